"""A Runner of a backend that a library registered: its submit() runs a batch, and calls back at the end.

Callbacks come in any thread, and inside submit() for backends that run at once. A backend that cannot retrieve results
in its callback (`supports_retrieve_callback` is False) is asked for them in the caller's thread, when it called back or
its job says that it is over: some never call back for a batch that failed. With neither, the caller waits in
retrieve_result() for the batches in the order they were sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from plait._base import clock
from plait.green.waiter import DeadlineExceeded
from plait.parallel import callbacks
from plait.parallel.backends.base import ParallelBackendBase
from plait.parallel.completions import Completions
from plait.parallel.naming import note_task
from plait.parallel.outcome import Batch, Task, new_call, stopped

_LOOK_S = 0.05  # how often a job that may never call back is asked whether it is over


class BackendSizes:
    """Sizes of batches as the backend computes them, from what batch_completed() has told it."""

    def __init__(self, backend: ParallelBackendBase) -> None:
        self._backend = backend

    @property
    def size(self) -> int:
        return self._backend.compute_batch_size()

    def learn(self, tasks: int, seconds: float) -> None:
        """It was told when the batch ended."""


def runner(backend: ParallelBackendBase, parallel: Any, limit: int, stays: Callable[[], bool]) -> Submitted:
    """A runner for one call of `parallel`. stays: whether other calls follow without a configure()."""
    kind = Submitted if backend.supports_retrieve_callback else Asked
    return kind(backend, parallel, limit, stays)


class Submitted:
    """Runs batches through submit() of a backend that retrieves their results when it calls back."""

    def __init__(self, backend: ParallelBackendBase, parallel: Any, limit: int, stays: Callable[[], bool]) -> None:
        self.limit = limit
        self.id = new_call()
        self.completions: Completions[Batch] = Completions()
        self._backend = backend
        self._parallel = parallel
        self._stays = stays
        self._cancelled = False

    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        call = callbacks.BatchedCalls(tasks, self._backend.get_nested_backend())
        callback = callbacks.BatchCompletionCallBack(time.time(), len(tasks), self._parallel)
        callback.ended = partial(self._called_back, batch)
        batch.began = clock.now()
        job = self._backend.submit(call, callback=callback)
        callback.register_job(job)
        self._sent(batch, job)
        return batch

    def _sent(self, batch: Batch, job: Any) -> None:
        """It may have ended already."""

    def _called_back(self, batch: Batch, outcome: Any = None) -> None:
        """In any thread."""
        if self._cancelled or batch.lost:
            return
        self._retrieve(batch, lambda: self._backend.retrieve_result_callback(outcome))

    def _retrieve(self, batch: Batch, get: Callable[[], Any]) -> None:
        """It has ended: get() gives its results, or raises."""
        batch.seconds = clock.now() - batch.began
        try:
            batch.results = list(get())
        except BaseException as error:
            if len(batch.tasks) == 1:
                note_task(error, batch.task_text(0))
            batch.shared_blame = True
            batch.error = error
        else:
            self._backend.batch_completed(len(batch.tasks), batch.seconds)
        self.completions.put(batch)

    def has_begun(self, batch: Batch) -> bool:
        return True

    def stop(self, batch: Batch) -> None:
        """Nobody waits for it any more. It may run on: backends have no way to stop one batch."""
        self.completions.put(batch.lose(stopped(batch, 0)))

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._backend.abort_everything(ensure_ready=self._stays())

    def close(self) -> None:
        """The call's end is told by stop_call()."""


class Asked(Submitted):
    """Runs them through a backend that the caller asks for the results."""

    completions: _Asking

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.completions = _Asking(self)
        self._waiting: dict[Batch, Any] = {}  # and their jobs, in the order they were sent
        self._over: set[Batch] = set()  # those that called back

    def _sent(self, batch: Batch, job: Any) -> None:
        self._waiting[batch] = job

    def _called_back(self, batch: Batch, outcome: Any = None) -> None:
        self._over.add(batch)
        self.completions.wake()

    def stop(self, batch: Batch) -> None:
        self._waiting.pop(batch, None)
        super().stop(batch)

    def ask(self, timeout: float | None) -> bool:
        """Retrieve a batch that is over, or where none would tell, wait for the first; False where it is too early."""
        waiting = self._waiting
        over = [batch for batch, job in waiting.items() if batch in self._over or _is_over(job)]
        if not over and (not waiting or any(map(_teller, waiting.values()))):
            return False
        batch = over[0] if over else next(iter(waiting))
        job = waiting.pop(batch)
        self._over.discard(batch)
        self._retrieve(batch, lambda: self._backend.retrieve_result(job, timeout=timeout))
        return True


class _Asking(Completions[Batch]):
    """Completions of a backend whose results are asked for."""

    def __init__(self, runner: Asked) -> None:
        super().__init__()
        self._runner = runner

    def wait(self, deadline: float | None = None) -> None:
        while not self:
            now = clock.now()
            if not self._runner.ask(None if deadline is None else deadline - now):
                self._doze(now + _LOOK_S if deadline is None else min(now + _LOOK_S, deadline))
            if not self and deadline is not None and clock.now() >= deadline:
                raise DeadlineExceeded

    def _doze(self, until: float) -> None:
        try:
            self.waiter.wait(until)
        except DeadlineExceeded:
            pass


def _teller(job: Any) -> Callable[[], bool] | None:
    """How a job tells whether it is over: done() of a future, ready() of multiprocessing's results."""
    return getattr(job, "done", None) or getattr(job, "ready", None)


def _is_over(job: Any) -> bool:
    tell = _teller(job)
    return tell is not None and bool(tell())
