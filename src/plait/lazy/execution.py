"""One run of a graph: which nodes are ready, what they gave, and when that is let go.

    node: missing inputs -> ready -> running -> done -> freed, once its last reader has run (outputs are kept)

The schedulers drive it; it has no lock of its own and is used by one thread, or under its scheduler's lock.
"""

from __future__ import annotations

import itertools
from array import array
from typing import Any

from plait.lazy.graph import Graph
from plait.lazy.nodes import describe
from plait.parallel.naming import function_name
from plait.parallel.outcome import note_task
from plait.trace import ring

_runs = itertools.count(1)


class Execution:
    """The changing part of a run."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.id = next(_runs)
        self.results: list[Any] = [None] * len(graph)
        self.unfinished = len(graph)
        self._missing = array("l", graph.missing)
        self._readers = array("l", (graph.offsets[i + 1] - graph.offsets[i] for i in range(len(graph))))
        for output in graph.outputs:
            self._readers[output] += 1  # never freed

    def sources(self) -> list[int]:
        """The nodes that are ready from the start."""
        return [number for number, missing in enumerate(self.graph.missing) if not missing]

    def call(self, number: int) -> Any:
        """Run a node in this thread. Raises what its function raises, with a note that names the node."""
        function, args, kwargs = self.graph.call(number, self.results)
        begin_ns = ring.now_ns() if ring.enabled else 0
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            note_task(error, describe(self.graph.nodes[number], args, kwargs))
            raise
        finally:
            if begin_ns:
                node = self.graph.nodes[number]
                ring.emit("lazy", "node", node._id, self.id, begin_ns, ring.now_ns(), 0, function_name(function))

    def finish(self, number: int, value: Any) -> list[int]:
        """A node gave `value`: the nodes that are ready now, in order; results that nobody needs are let go."""
        graph = self.graph
        results, readers, missing = self.results, self._readers, self._missing
        self.unfinished -= 1
        if readers[number]:
            results[number] = value
        for each in graph.distinct[number]:
            readers[each] -= 1
            if not readers[each]:
                results[each] = None
        ready = []
        for reader in graph.readers(number):
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
        return ready

    def outputs(self) -> list[Any]:
        return [self.results[number] for number in self.graph.outputs]
