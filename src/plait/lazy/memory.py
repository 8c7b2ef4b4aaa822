"""A limit on the results that a run holds: what is over it waits on disk until it is needed.

    compute(..., memory_limit="500 MB")         also the option `memory-limit`

Of each result its size is noted, as `sizeof` has it. Once they are more than the limit, those go to disk that are
needed last: a node's number is about when it runs, so what counts is the smallest number among a result's readers that
have not run. It comes back when one of them is to run. What tasks that run now have as inputs stays, and so do the
outputs, since the caller gets them. So a ready node may have to wait until others have ended (see `take`); one runs
always.

What cannot be done is a MemoryError that names the task: its result alone, its inputs together, or the outputs are over
the limit, or results cannot be pickled. Values that the graph itself holds are not counted, since they would not go.

Cost: nothing without a limit; else some 3 us a node, and the files. A value that went to disk twice is written once.
Rejected: to make the thread wait that took the node, which a greenlet or a dispatcher of processes must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from plait._base import natives
from plait.lazy import spilling
from plait.lazy._native.arena import Execution
from plait.lazy.plain import identity
from plait.lazy.scratch import Scratch, open_scratch
from plait.lazy.sizes import sizeof
from plait.lazy.units import format_bytes, parse_bytes
from plait.trace import ring

_ROOM = 0.1  # of the limit: made at once, so that victims are not looked for at each result


class _Held:
    """A result that is there, or on disk."""

    __slots__ = ("done", "is_here", "leaving", "path", "pins", "readers", "size", "stays")

    def __init__(self, size: int, readers: tuple[int, ...]) -> None:
        self.size = size
        self.readers = readers  # in rising order
        self.done = 0  # how many of them have run, counted from the front
        self.pins = 0
        self.is_here = True
        self.leaving = False  # it is being written
        self.stays = False  # it cannot be pickled
        self.path: str | None = None


def _parsed(asked: Any) -> int:
    """A limit in bytes. Raises ValueError."""
    limit = parse_bytes(asked)
    if limit <= 0:
        raise ValueError(f"memory_limit={asked!r} leaves room for nothing; pass a number of bytes, such as '500 MB'")
    return limit


class Memory:
    """The results of one run under a limit. Called by whatever thread runs nodes."""

    def __init__(self, execution: Execution, limit: float | str, resources: ExitStack) -> None:
        """limit: in bytes, or a text such as "500 MB". resources: closed when the run is over, as its files are."""
        self._execution = execution
        self._arena = execution.arena
        self._limit = _parsed(limit)
        self._resources = resources
        self._outputs = frozenset(self._arena.outputs)
        self._finished = bytearray(len(self._arena))
        self._held: dict[int, _Held] = {}
        self._lock = natives.allocate_lock()
        self._scratch: Scratch | None = None
        self._running = 0
        self._here = 0  # bytes in memory
        self._leaving = 0  # of these, bytes that are being written
        self._pinned = 0  # bytes that must be in memory, outputs among them
        self._given = 0  # bytes of outputs

    def take(self, number: int) -> bool:
        """A node is to run now: whether its inputs have room beside those of the nodes that run."""
        with self._lock:
            inputs = self._inputs(number)
            if not self._fit(inputs):
                return False
            self._running += 1
            for each in inputs:
                self._pin(each)
            return True

    def admits(self, number: int) -> bool:
        """Whether take() would say so."""
        with self._lock:
            return self._fit(self._inputs(number))

    def begin(self, number: int) -> None:
        """Have the inputs of a node that was taken in memory. Raises MemoryError."""
        inputs = {each: self._held[each] for each in set(self._arena.inputs(number)) if each in self._held}
        size = sum(each.size for each in inputs.values())
        if size > self._limit:
            raise MemoryError(
                f"{self._key(number)}: its inputs hold {format_bytes(size)}, which is over memory_limit="
                f"{format_bytes(self._limit)}; raise the limit, or make the task read less at a time"
            )
        absent = [(each, held) for each, held in inputs.items() if not held.is_here]
        if absent:
            self._make_room(sum(held.size for _, held in absent))
            for each, held in absent:
                self._load(each, held)

    def holds(self, number: int, value: Any) -> None:
        """A node gave a value that somebody will read; nobody can yet. Raises MemoryError."""
        if self._is_of_graph(number):
            return
        held = _Held(sizeof(value), self._arena.readers(number))
        with self._lock:
            self._held[number] = held
            self._here += held.size
            if number in self._outputs:
                self._pin(held)
                self._given += held.size
        self._check(number, held.size)

    def settled(self, number: int) -> None:
        """A node has run, and its readers may. Raises MemoryError, and OSError of a full disk."""
        with self._lock:
            self._running -= 1
            self._finished[number] = True
            for each in self._inputs(number):
                self._unpin(each)
        self._make_room(0)

    def freed(self, number: int) -> None:
        """Nobody needs a result any more."""
        with self._lock:
            held = self._held.pop(number, None)
            if held is None:
                return
            if held.is_here:
                self._here -= held.size
            if held.pins:  # by its last reader, which ends now
                self._pinned -= held.size
        if held.path is not None:
            spilling.remove(held.path)

    # -- bookkeeping: with the lock ------------------------------------------------------------------------------

    def _inputs(self, number: int) -> list[_Held]:
        return [self._held[each] for each in set(self._arena.inputs(number)) if each in self._held]

    def _fit(self, inputs: list[_Held]) -> bool:
        more = sum(each.size for each in inputs if not each.pins)
        return not self._running or not more or self._pinned + more <= self._limit

    def _pin(self, held: _Held) -> None:
        held.pins += 1
        if held.pins == 1:
            self._pinned += held.size

    def _unpin(self, held: _Held) -> None:
        held.pins -= 1
        if not held.pins:
            self._pinned -= held.size

    def _next_use(self, held: _Held) -> int:
        while held.done < len(held.readers) and self._finished[held.readers[held.done]]:
            held.done += 1
        return held.readers[held.done] if held.done < len(held.readers) else len(self._finished)

    def _victims(self, excess: int) -> Iterable[tuple[int, _Held]]:
        free = [
            (number, held)
            for number, held in self._held.items()
            if held.is_here and not (held.pins or held.leaving or held.stays)
        ]
        free.sort(key=lambda item: self._next_use(item[1]), reverse=True)
        victims = []
        for number, held in free:
            if excess <= 0:
                break
            excess -= held.size
            held.leaving = True
            self._leaving += held.size
            victims.append((number, held))
        return victims

    # -- room ----------------------------------------------------------------------------------------------------

    def _make_room(self, size: int) -> None:
        """Write results to disk until so many more bytes fit, or nothing is left to write."""
        while True:
            with self._lock:
                excess = self._here - self._leaving + size - self._limit
                victims = self._victims(excess + int(self._limit * _ROOM)) if excess > 0 else ()
                stuck = sum(held.size for held in self._held.values() if held.stays) if excess > 0 else 0
            if not victims:
                if stuck and stuck + self._given > self._limit:
                    self._refuse(stuck)
                return
            for number, held in victims:
                self._spill(number, held)

    def _spill(self, number: int, held: _Held) -> None:
        path = held.path
        failed = True
        try:
            if path is None:
                with ring.span("lazy", "spill", self._execution.id, name=self._key(number)):
                    path = self._written(number)
            failed = path is None
        finally:
            with self._lock:
                held.leaving = False
                self._leaving -= held.size
                held.stays = failed
                held.path = path
                is_freed = number not in self._held
                if not (is_freed or failed or held.pins):
                    self._execution.results[number] = None
                    held.is_here = False
                    self._here -= held.size
        if is_freed and path is not None:
            spilling.remove(path)

    def _written(self, number: int) -> str | None:
        """The path of the result's file; None where it cannot be pickled."""
        value = self._execution.results[number]  # it stays there meanwhile, unless its last reader ends
        if self._scratch is None:
            with self._lock:
                if self._scratch is None:
                    self._scratch = open_scratch()
                    self._resources.callback(self._scratch.close)
        try:
            return spilling.write(value, self._scratch, number)
        except (OSError, MemoryError):
            raise
        except Exception:  # whatever pickling raises
            return None

    def _load(self, number: int, held: _Held) -> None:
        path = held.path
        assert path is not None
        with ring.span("lazy", "load", self._execution.id, name=self._key(number)):
            value = spilling.read(path)
        with self._lock:
            if not held.is_here:  # another reader may have been faster
                self._execution.results[number] = value
                held.is_here = True
                self._here += held.size

    # -- errors --------------------------------------------------------------------------------------------------

    def _check(self, number: int, size: int) -> None:
        if size > self._limit:
            what = f"its result of {format_bytes(size)} alone is over"
        elif self._given > self._limit and number in self._outputs:
            what = f"with its result those asked for hold {format_bytes(self._given)}, which is over"
        else:
            return
        raise MemoryError(
            f"{self._key(number)}: {what} memory_limit={format_bytes(self._limit)}; raise the limit, split the task, "
            "or have results written instead of returned"
        )

    def _refuse(self, stuck: int) -> None:
        with self._lock:
            keys = [self._key(number) for number, held in self._held.items() if held.stays]
        raise MemoryError(
            f"{format_bytes(stuck)} of results exceed memory_limit={format_bytes(self._limit)} and cannot go to disk, "
            f"as they cannot be pickled: {', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''}; raise the "
            "limit, or return what can be pickled"
        )

    def _key(self, number: int) -> str:
        return str(self._arena.nodes[number].key)

    def _is_of_graph(self, number: int) -> bool:
        node = self._arena.nodes[number]
        return node._function is identity and not node._inputs
