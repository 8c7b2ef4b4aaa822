"""What a loop runs its batches on: worker processes, worker threads, or the caller itself.

A runner takes tasks by submit() and gives batches back through its `completions`. The caller settles each batch it
takes, and at last calls close(), or cancel() where it leaves early. Made by `runner()`, which also decides what a
nested loop gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from plait._base import clock
from plait.parallel import interrupts, nesting, pool
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError
from plait.parallel.interrupts import Interruptible
from plait.parallel.naming import function_name
from plait.parallel.outcome import Batch, CallRecord, Task, new_call, note_task
from plait.parallel.pool.process_pool import ProcessRun
from plait.parallel.tracebacks import trim
from plait.trace import ring

PROCESSES = "processes"
THREADING = "threading"
SEQUENTIAL = "sequential"
GREEN = "green"
_NAMES = {"loky": PROCESSES, PROCESSES: PROCESSES, THREADING: THREADING, SEQUENTIAL: SEQUENTIAL, GREEN: GREEN}


class Runner(Protocol):
    """Runs batches of one call."""

    @property
    def id(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def completions(self) -> Completions[Batch]: ...
    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch: ...
    def stop(self, batch: Batch) -> None: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...


def backend_name(backend: Any) -> str:
    """The backend's own name. Raises ValueError for one that there is not."""
    name = _NAMES.get(backend) if isinstance(backend, str) else None
    if name is None:
        raise ValueError(f"backend={backend!r} is not known; pass one of {', '.join(map(repr, _NAMES))}")
    return name


def runner(backend: str, workers: int, fail_fast: bool = True) -> Runner:
    """A runner with so many workers; inside a worker, with what the budget has left, or in place.

    fail_fast: the first failure ends the call, so a runner need not go on after it.
    """
    if backend == SEQUENTIAL:
        return InPlace()
    if backend == GREEN:
        from plait.parallel.greenlets import Greenlets  # it takes the hub with it

        return Greenlets(workers)
    budget, inside = nesting.budget(), nesting.nested()
    granted = budget.borrow(workers, inside)
    if inside and granted < 2:  # one helper would do what the caller can do itself
        budget.give_back(granted)
        return InPlace()
    if backend == THREADING:
        return Threads(granted)
    return Processes(granted, fail_fast)


class InPlace:
    """The caller runs each batch when it submits it."""

    limit = 1

    def __init__(self) -> None:
        self.completions: Completions[Batch] = Completions()
        self.id = new_call()

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        run_here(batch, self.id, Interruptible())  # an interruption of the task around this one goes through it
        if isinstance(batch.error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise batch.error
        self.completions.put(batch)
        return batch

    def stop(self, batch: Batch) -> None:
        """It has ended."""

    def cancel(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is held."""


class Threads:
    """The pool's threads, as many as the caller asked for."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.completions: Completions[Batch] = Completions()
        self.id = new_call()
        self._crew = pool.threads().crew(self._run, limit, strict=True, lost=self._lost)
        self._open = True

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        self._crew.put(batch)
        return batch

    def _run(self, batch: Batch) -> None:
        run_here(batch, self.id, interrupts.current() or Interruptible())
        if not batch.lost:
            self.completions.put(batch)

    def _lost(self, batch: Batch, thread: int) -> None:
        self.completions.put(
            batch.lose(PoolError(f"its thread (native id {thread}) is stuck outside Python; it was abandoned"))
        )

    def stop(self, batch: Batch) -> None:
        self._crew.stop(batch)

    def cancel(self) -> None:
        self._crew.cancel()
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            nesting.budget().give_back(self.limit)


class Processes:
    """The pool's processes. The run is taken from the pool here; only the budget is added."""

    def __init__(self, limit: int, fail_fast: bool = True) -> None:
        self.limit = limit
        record = CallRecord(cores=max(1, nesting.budget().cores // limit), tracing=ring.enabled)
        try:
            self._run: ProcessRun = pool.processes().open(limit, record, fail_fast)
        except BaseException:
            nesting.budget().give_back(limit)
            raise
        self.id = self._run.id
        self.completions = self._run.completions
        self._open = True

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        return self._run.submit(first, tasks, labels)

    def stop(self, batch: Batch) -> None:
        self._run.stop(batch)

    def cancel(self) -> None:
        self._run.cancel()
        self._give_back()

    def close(self) -> None:
        self._run.close()
        self._give_back()

    def _give_back(self) -> None:
        if self._open:
            self._open = False
            nesting.budget().give_back(self.limit)


def run_here(batch: Batch, call: int, guard: Interruptible) -> None:
    """Run the batch's tasks in this thread, up to the first that raises. Never raises."""
    batch.began = clock.now()
    try:
        if ring.enabled:
            _run_traced(batch, call, guard)
        else:
            guard.run(batch.tasks, batch.results)
    except BaseException as error:
        trim(error)
        note_task(error, batch.task_text(len(batch.results)))
        batch.error = error
    batch.seconds = clock.now() - batch.began


def _run_traced(batch: Batch, call: int, guard: Interruptible) -> None:
    for index, (function, args, kwargs) in enumerate(batch.tasks, batch.first):
        begin_ns = ring.now_ns()
        try:
            batch.results.append(guard.call(function, args, kwargs))
        finally:
            ring.emit("parallel", "task", index, call, begin_ns, ring.now_ns(), 0, function_name(function))
