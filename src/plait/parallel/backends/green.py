"""The `green` runner: every task in a greenlet of the caller's thread, for many calls that wait on I/O.

What a task waits for must be cooperative: sockets, sleeps and locks of `plait.green`, or the standard library's once it
is patched. A task that computes holds up all others. In return a task costs some 10 us and a few KB, a thousand may
wait at once, nothing is pickled, and stopping one is exact: the exception is raised where it waits.

A runner belongs to one thread and its hub. Batches begin in the order they were sent, at most `limit` at a time.
cancel() waits until the tasks have ended, so that their `finally` has run when the loop's error is raised; for those
that wait on in spite of it GRACE_S at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from plait._base import clock
from plait._base.natives import get_ident
from plait.green import Greenlet, get_hub, joinall
from plait.greenlet import getcurrent
from plait.parallel.backends.base import ACTIVE, NativeBackend, Runner, above
from plait.parallel.batching import FixedBatches
from plait.parallel.budget import GREENLETS, worker_count
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError, TaskCancelled
from plait.parallel.naming import function_name, note_task
from plait.parallel.options import CallOptions
from plait.parallel.outcome import Batch, Task, new_call, stopped
from plait.parallel.tracebacks import trim
from plait.trace import ring

GRACE_S = 0.5  # from an exception in a task to its being given up


class GreenBackend(NativeBackend):
    """A greenlet for each task, `n_jobs` of them at once. Loops that its tasks start are not nested."""

    default_n_jobs = GREENLETS
    uses_threads = True
    supports_sharedmem = True

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Greenlets cost no core: a positive number is meant as it stands, None and -1 as the default."""
        return GREENLETS if n_jobs is None or n_jobs < 0 else worker_count(n_jobs)

    def runs_in_place(self, workers: int) -> bool:
        return False

    def open(self, workers: int, options: CallOptions) -> Runner:
        return Greenlets(workers)

    def check_event_loop(self) -> None:
        """Raises RuntimeError where the running event loop does not run beside greenlets."""
        from asyncio import get_running_loop

        from plait.green.aio.loop import EventLoop

        running = get_running_loop()
        if not isinstance(running, EventLoop):
            raise RuntimeError(
                f'{type(running).__name__} is no event loop beside which greenlets run, as backend="green" needs it; '
                "run the program with plait.green.aio.run(), or pass another backend"
            )

    def sizes(self, batch_size: Any) -> FixedBatches:
        """A batch is a greenlet, and so is a task."""
        return FixedBatches(1)

    def get_nested_backend(self) -> tuple[Any, int | None]:
        nested: tuple[Any, int | None] = above[ACTIVE]()
        return nested


class Greenlets:
    """Runs batches in greenlets of the thread that made it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.id = new_call()
        self.completions: Completions[Batch] = Completions(outside=False)
        self._hub = get_hub()
        self._pending: deque[Batch] = deque()
        self._running: dict[Greenlet, Batch] = {}

    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        if len(self._running) < self.limit:
            self._start(batch)
        else:
            self._pending.append(batch)
        return batch

    def has_begun(self, batch: Batch) -> bool:
        return True

    def stop(self, batch: Batch) -> None:
        """Raise TaskCancelled where it waits; it comes back with that error, at the latest GRACE_S later."""
        if batch in self._pending:
            self._pending.remove(batch)
            batch.error = stopped(batch, 0)
            self.completions.put(batch)
        for runner, running in self._running.items():
            if running is batch:
                runner.kill(TaskCancelled, block=False)
                self._hub.call_at(clock.now() + GRACE_S, self._abandon, runner, keeps_alive=False)

    def cancel(self) -> None:
        """Start nothing more, raise TaskCancelled in what runs, and wait for its end, where the caller can wait."""
        self._pending.clear()
        if get_ident() != self._hub.thread_ident:  # the loop was dropped, and collected by another thread
            self._hub.run_callback_threadsafe(self._kill)
            return
        running = self._kill()
        if running and getcurrent() is not self._hub:
            joinall(running, GRACE_S)

    def close(self) -> None:
        """All has come back."""

    def _kill(self) -> list[Greenlet]:
        running = list(self._running)
        self._running.clear()  # what comes back now is nobody's
        for runner in running:
            runner.kill(TaskCancelled, block=False)
        return running

    def _start(self, batch: Batch) -> None:
        runner = Greenlet(self._run, batch)
        self._running[runner] = batch
        runner.when_ended(self._ended)
        runner.start()

    def _run(self, batch: Batch) -> None:
        """In its greenlet."""
        batch.began = clock.now()
        index = batch.first
        try:
            for function, args, kwargs in batch.tasks:
                begin_ns = ring.now_ns() if ring.enabled else 0
                try:
                    batch.results.append(function(*args, **kwargs))
                finally:
                    if begin_ns:
                        name = function_name(function)
                        ring.emit("parallel", "task", index, self.id, begin_ns, ring.now_ns(), 0, name)
                index += 1
        except BaseException as error:
            trim(error)
            note_task(error, batch.task_text(index - batch.first))
            batch.error = error
        batch.seconds = clock.now() - batch.began

    def _ended(self, runner: Greenlet) -> None:
        batch = self._running.pop(runner, None)
        if batch is None:  # cancelled, or given up
            return
        if batch.error is None and len(batch.results) < len(batch.tasks):  # killed before its turn
            batch.error = stopped(batch, 0)
        self._give_back(batch)

    def _abandon(self, runner: Greenlet) -> None:
        batch = self._running.pop(runner, None)
        if batch is not None:
            self._give_back(batch.lose(PoolError("its greenlet waits on in spite of TaskCancelled; it was abandoned")))

    def _give_back(self, batch: Batch) -> None:
        self.completions.put(batch)
        if self._pending:
            self._start(self._pending.popleft())
