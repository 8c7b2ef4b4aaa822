"""A Runner of a backend that a library registered: its submit() runs a batch, and calls back at the end.

Callbacks come in any thread, and inside submit() for backends that run at once. A backend that cannot retrieve results
in its callback (`supports_retrieve_callback` is False) is asked for them in the caller's thread, when it called back or
its job says that it is over: some never call back for a batch that failed. With neither, the caller waits in
retrieve_result() for the batches in the order they were sent.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from plait._base import clock
from plait.green.waiter import DeadlineExceeded
from plait.parallel import callbacks
from plait.parallel.backends.base import NativeBackend, ParallelBackendBase
from plait.parallel.completions import Completions
from plait.parallel.outcome import Batch, Task, new_call, note_task, stopped

_LOOK_S = 0.05  # how often a job that may never call back is asked whether it is over
_RUNNING = ("submit", "apply_async", "retrieve_result", "retrieve_result_callback")


def runs_tasks_itself(backend: ParallelBackendBase) -> bool:
    """Whether the backend has a way of its own to run a batch. Plait's, and most of their subclasses, have not."""
    for cls in type(backend).__mro__:
        if cls.__module__.startswith("plait.") and issubclass(cls, NativeBackend):
            return False
        if any(name in cls.__dict__ for name in _RUNNING):
            return True
    return True


class BackendSizes:
    """Sizes of batches as the backend computes them, from what batch_completed() has told it."""

    def __init__(self, backend: ParallelBackendBase) -> None:
        self._backend = backend

    @property
    def size(self) -> int:
        return self._backend.compute_batch_size()

    def learn(self, tasks: int, seconds: float) -> None:
        """It was told when the batch ended."""


class Submitted:
    """Runs batches of one call of `parallel` through its backend's submit()."""

    def __init__(self, backend: ParallelBackendBase, parallel: Any, limit: int, stays: Callable[[], bool]) -> None:
        """stays: whether other calls follow without a configure()."""
        self.limit = limit
        self.id = new_call()
        self._backend = backend
        self._parallel = parallel
        self._stays = stays
        self._retrieves = not backend.supports_retrieve_callback
        self.completions: Completions[Batch] = _Asking(self) if self._retrieves else Completions()
        self.waiting: deque[tuple[Batch, Any]] = deque()  # with their jobs, where we retrieve the results
        self._cancelled = False

    def submit(self, first: int, tasks: list[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        call = callbacks.BatchedCalls(tasks, self._backend.get_nested_backend())
        callback = callbacks.BatchCompletionCallBack(time.time(), len(tasks), self._parallel)
        callback.ended = partial(self._called_back, batch)
        batch.began = clock.now()
        job = self._backend.submit(call, callback=callback)
        callback.register_job(job)
        if self._retrieves:
            self.waiting.append((batch, job))
        return batch

    def _called_back(self, batch: Batch, outcome: Any = None) -> None:
        """In any thread."""
        if self._cancelled:
            return
        batch.seconds = clock.now() - batch.began
        if self._retrieves:
            self._backend.batch_completed(len(batch.tasks), batch.seconds)
            batch.lost = True  # somebody has spoken for it
            self.completions.wake()
            return
        try:
            batch.results = list(self._backend.retrieve_result_callback(outcome))
        except BaseException as error:
            self._blame(batch, error)
        else:
            self._backend.batch_completed(len(batch.tasks), batch.seconds)
        self.completions.put(batch)

    def retrieve(self, batch: Batch, job: Any, timeout: float | None) -> None:
        """In the caller's thread: ask for the results of one that `waiting` had."""
        try:
            batch.results = list(self._backend.retrieve_result(job, timeout=timeout))
        except BaseException as error:
            self._blame(batch, error)
        self.completions.put(batch)

    def _blame(self, batch: Batch, error: BaseException) -> None:
        if len(batch.tasks) == 1:
            note_task(error, batch.task_text(0))
        batch.shared_blame = True
        batch.error = error

    def stop(self, batch: Batch) -> None:
        """Nobody waits for it any more. What runs may run on: backends have no way to stop one batch."""
        batch.tasks = list(batch.tasks)
        self.completions.put(batch.lose(stopped(batch, 0)))

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._backend.abort_everything(ensure_ready=self._stays())

    def close(self) -> None:
        """The call's end is told by stop_call()."""


class _Asking(Completions[Batch]):
    """Completions of a backend whose results are asked for."""

    def __init__(self, runner: Submitted) -> None:
        super().__init__()
        self._runner = runner

    def wait(self, deadline: float | None = None) -> None:
        waiting = self._runner.waiting
        while not self:
            over = next((entry for entry in waiting if entry[0].lost or _is_over(entry[1])), None)
            if over is not None:
                waiting.remove(over)
                over[0].lost = False
                self._runner.retrieve(*over, None)
            elif not waiting or any(_says(job) for _, job in waiting):
                self._doze(deadline)
            else:
                self._runner.retrieve(*waiting.popleft(), None if deadline is None else deadline - clock.now())

    def _doze(self, deadline: float | None) -> None:
        """Until a callback, or the next look."""
        now = clock.now()
        if deadline is not None and now >= deadline:
            raise DeadlineExceeded
        look = now + _LOOK_S
        try:
            self.waiter.wait(look if deadline is None else min(look, deadline))
        except DeadlineExceeded:
            pass


def _says(job: Any) -> Callable[[], bool] | None:
    """How a job tells whether it is over: done() of a future, ready() of multiprocessing's results."""
    return getattr(job, "done", None) or getattr(job, "ready", None)


def _is_over(job: Any) -> bool:
    says = _says(job)
    return says is not None and bool(says())
