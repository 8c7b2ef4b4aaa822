"""One loop: keeps the workers supplied, and hands results on.

The caller's own greenlet or thread does all of it whenever it wants a result: it takes finished batches, pulls the next
tasks out of the user's iterator, sends them, and waits. So the iterator runs where the user is, errors arise there,
and a consumer that is slow holds the loop back instead of piling up results.

`pre_dispatch` tasks are sent at once; after that one batch for each that comes back. The first error ends the loop:
what has not started never starts. So does whatever is thrown into the caller while it waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from plait._base import clock
from plait._base.call import split
from plait.green.waiter import DeadlineExceeded
from plait.parallel.backends import Runner
from plait.parallel.batching import AutoBatches, FixedBatches
from plait.parallel.errors import TaskTimeout
from plait.parallel.outcome import Batch, Task
from plait.trace import ring

_TICK_S = 0.05  # how late a task's overrun may be noticed before a worker has begun it


class Loop:
    """The tasks of one call on one runner. Used by one greenlet or thread at a time."""

    def __init__(
        self,
        tasks: Iterator[Any],
        runner: Runner,
        sizes: AutoBatches | FixedBatches,
        pre_dispatch: int | None,
        timeout: float | None,
        ordered: bool,
    ) -> None:
        self.done = 0
        self._tasks = tasks
        self._runner = runner
        self._sizes = sizes
        self._pre_dispatch = pre_dispatch
        self._timeout = timeout
        self._ordered = ordered
        self._next_index = 0  # of the next task that the iterator gives
        self._exhausted = False
        self._under_way: dict[int, Batch] = {}  # by first index: sent, not yet back

    def start(self) -> Iterator[Any]:
        """Send the first tasks; the iterator of results. Closing it, or dropping it, cancels the loop."""
        results = self._results()
        next(results)  # runs to its first yield, so that its `finally` holds from now on
        return results

    def _results(self) -> Iterator[Any]:
        finished = False
        early: dict[int, Batch] = {}  # back before their turn, by first index
        due = 0  # index of the next result in order
        begin_ns = ring.now_ns() if ring.enabled else 0
        try:
            self._begin()
            yield None
            while self._under_way or not self._exhausted:
                batch = self._next_batch()
                if self._ordered:
                    early[batch.first] = batch
                    while due in early:
                        batch = early.pop(due)
                        due += len(batch.tasks)
                        yield from self._deliver(batch)
                else:
                    yield from self._deliver(batch)
            finished = True
        finally:
            if finished:
                self._runner.close()
            else:
                self._runner.cancel()
            if begin_ns:
                ring.emit("parallel", "loop", self._runner.id, 0, begin_ns, ring.now_ns())

    # -- sending -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        limit = self._pre_dispatch
        while not self._exhausted and (limit is None or self._next_index < limit):
            size = self._sizes.size
            self._send(size if limit is None else min(size, limit - self._next_index))

    def _send(self, size: int) -> None:
        tasks: list[Task] = []
        for item in islice(self._tasks, size):
            function, args, kwargs = split(item)
            tasks.append((function, args, dict(kwargs) if kwargs else {}))
        if len(tasks) < size:
            self._exhausted = True
        if tasks:
            first = self._next_index
            self._next_index += len(tasks)
            self._under_way[first] = self._runner.submit(first, tasks)

    # -- receiving -----------------------------------------------------------------------------------------------

    def _next_batch(self) -> Batch:
        while not self._under_way:
            self._send(self._sizes.size)
        batch = self._take()
        self._under_way.pop(batch.first, None)  # the word that the pool was shut down is nobody's batch
        if batch.error is None and batch.death is None:
            self._sizes.learn(len(batch.tasks), batch.seconds)
            if not self._exhausted:
                self._send(self._sizes.size)
        batch.settle()
        if batch.error is not None:
            raise batch.error
        return batch

    def _take(self) -> Batch:
        completions = self._runner.completions
        if self._timeout is None:
            return completions.take()
        while True:
            try:
                return completions.take(self._deadline(self._timeout))
            except DeadlineExceeded:
                self._refuse_overrun(self._timeout)

    def _deadline(self, timeout: float) -> float:
        began = [batch.began for batch in self._under_way.values() if batch.began]
        return max(min(began) + timeout, clock.now()) if began else clock.now() + min(timeout, _TICK_S)

    def _refuse_overrun(self, timeout: float) -> None:
        now = clock.now()
        for batch in self._under_way.values():
            if batch.began and now >= batch.began + timeout:
                raise TaskTimeout(
                    f"{batch.task_text(0)} has not ended within timeout={timeout:g} s; "
                    "pass a longer timeout, or None for no limit"
                )

    def _deliver(self, batch: Batch) -> Iterator[Any]:
        results = batch.results
        batch.results = []
        self.done += len(results)
        results.reverse()
        while results:  # let go of each as it is handed over
            yield results.pop()
