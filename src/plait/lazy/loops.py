"""Loops: who works on the ready nodes of jobs, while there are any. One a call of `compute`, one a `futures.Client`.

    job: given -> runs -> ended, once: by its last node, by the first node that fails, or by whoever stops it

A Job is an Execution and what is to hear of its end. A loop serves several, older ones first, and within one small
numbers first (see `_native.arena`). A failure ends its own job alone. Loops of worker processes are in `dispatching`.

    start(job)    have it run; never waits, but for SyncLoop, which runs it
    stop(job)     none of its nodes starts any more, those that run are interrupted as layer 3 does; nobody is told
    cancel()      the same for all of them

Cost beside the Execution's: some 2 us a job. Rejected: one growing Execution for all jobs of a client, which would keep
numbers, edges and results of everything that was ever submitted, and in which a failure must not end the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from typing import Any, NamedTuple, Protocol

from plait._base import natives
from plait.green import Greenlet, killall, spawn
from plait.lazy._native.arena import Execution
from plait.parallel import interrupts, nesting, pool

_LOOKED_AT = 64  # ready nodes that are counted for a crew, which has no more threads than that to wake

Ended = Callable[[BaseException | None], object]


class Job:
    """An execution that a loop works on. ended(error) is called once, in a thread of the loop's; None: all has run."""

    __slots__ = ("context", "ended", "execution", "items")

    def __init__(self, execution: Execution, ended: Ended) -> None:
        self.execution = execution
        self.ended = ended
        self.items: set[Any] = set()  # what the loop has under way of it
        self.context: Context = copy_context()  # tasks see the starter's variables, but for those of a loop around it
        self.context.run(nesting.settings.set, None)

    def end(self, error: BaseException | None) -> None:
        """It is over. The first who says so is heard."""
        if not self.execution.ended:
            self.execution.ended = True
            self.ended(error)


class Loop(Protocol):
    """What runs jobs."""

    def start(self, job: Job) -> None: ...
    def stop(self, job: Job) -> None: ...
    def cancel(self) -> None: ...


class SyncLoop:
    """In the thread that starts it, before start() returns."""

    def start(self, job: Job) -> None:
        error: BaseException | None = None
        try:
            job.context.run(job.execution.run_all)
        except BaseException as failure:
            error = failure
        job.end(error)
        if error is not None and not isinstance(error, Exception):  # thrown into the caller, such as Ctrl-C
            raise error

    def stop(self, job: Job) -> None:
        job.execution.ended = True

    def cancel(self) -> None:
        """Nothing runs between two calls of start()."""


class _Item(NamedTuple):
    """A node that a thread or a greenlet runs; after it, whatever is ready."""

    job: Job | None
    number: int


_NOTHING = _Item(None, -1)


class _Ready:
    """The ready nodes of a loop's jobs, as the items of a crew. Jobs become ready by themselves."""

    def __init__(self) -> None:
        self._jobs: dict[Job, None] = {}
        self._lock = natives.allocate_lock()

    def add(self, job: Job) -> None:
        with self._lock:
            self._jobs[job] = None

    def append(self, item: _Item) -> None:
        """A crew's way to put an item, which nobody takes."""

    def popleft(self) -> _Item:
        with self._lock:
            for job in list(self._open(_LOOKED_AT)):
                number = job.execution.take()
                if number >= 0:
                    return _Item(job, number)
        return _NOTHING

    def clear(self) -> None:
        """None of the jobs goes on."""
        with self._lock:
            for job in self._jobs:
                job.execution.ended = True
            self._jobs.clear()

    def __len__(self) -> int:
        with self._lock:
            return sum(job.execution.ready for job in self._open(_LOOKED_AT))

    def _open(self, most: int) -> Iterator[Job]:
        """Jobs with ready nodes, until there are so many of these. With the lock; forgets those that have ended."""
        over = []
        for job in self._jobs:
            execution = job.execution
            if execution.ended or not execution.unfinished:
                over.append(job)
                continue
            ready = execution.ready
            if ready:
                yield job
                most -= ready
                if most <= 0:
                    break
        for job in over:
            del self._jobs[job]


class ThreadLoop:
    """A crew of the pool's threads, compensated while nodes block unless `strict`."""

    def __init__(self, size: int, strict: bool) -> None:
        self._ready = _Ready()
        self._crew = pool.threads().crew(self._run, size, strict, self._ready)

    def start(self, job: Job) -> None:
        self._ready.add(job)
        if not self._crew.settled:
            self._crew.recruit()

    def stop(self, job: Job) -> None:
        job.execution.ended = True
        for item in list(job.items):
            self._crew.stop(item)

    def cancel(self) -> None:
        self._crew.cancel()

    def _run(self, item: _Item) -> None:
        job, number = item
        if job is None:
            return
        job.items.add(item)
        error: BaseException | None = None
        try:
            done = job.context.copy().run(job.execution.work, number, self._crew, interrupts.current())
        except BaseException as failure:
            error = failure
        finally:
            job.items.discard(item)
        if error is not None or done:
            job.end(error)


class GreenLoop:
    """A greenlet a node, at most `limit` at once, in the thread that starts jobs."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ready: dict[Job, None] = {}
        self._running: dict[_Item, Greenlet] = {}

    def start(self, job: Job) -> None:
        self._ready[job] = None
        self._fill()

    def stop(self, job: Job) -> None:
        job.execution.ended = True
        self._ready.pop(job, None)
        self._kill([item for item in list(job.items) if item in self._running])

    def cancel(self) -> None:
        for item in self._running:
            if item.job is not None:
                item.job.execution.ended = True
        self._ready.clear()
        self._kill(list(self._running))

    def _kill(self, items: list[_Item]) -> None:
        killall([self._running.pop(item) for item in items], block=False)

    def _fill(self) -> None:
        while self._ready and len(self._running) < self._limit:
            job = next(iter(self._ready))
            if not job.execution.ready:
                del self._ready[job]
                continue
            item = _Item(job, job.execution.take())
            job.items.add(item)
            self._running[item] = spawn(self._run, job, item)

    def _run(self, job: Job, item: _Item) -> None:
        execution = job.execution
        error: BaseException | None = None
        try:
            value = job.context.copy().run(execution.call, item.number)
            if item in self._running:
                execution.finish(item.number, value)
        except BaseException as failure:
            error = failure
        job.items.discard(item)
        if self._running.pop(item, None) is None:  # it was stopped, and has ended only now
            return
        if error is not None:
            self.stop_others(job)
            job.end(error)
        elif not execution.unfinished:
            job.end(None)
        elif execution.ready:
            self._ready[job] = None
        self._fill()

    def stop_others(self, job: Job) -> None:
        """A node of it failed: those that run have nobody to run for."""
        self._ready.pop(job, None)
        self._kill([item for item in list(job.items) if item in self._running])
