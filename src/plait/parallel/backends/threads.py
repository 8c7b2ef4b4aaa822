"""The pool's worker threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plait.parallel import interrupts, nesting, pool
from plait.parallel.backends.base import FallbackToBackend, Runner, borrow
from plait.parallel.backends.execute import run_here
from plait.parallel.backends.sequential import SequentialBackend
from plait.parallel.backends.submitting import SubmittingBackend
from plait.parallel.completions import Completions
from plait.parallel.errors import PoolError
from plait.parallel.interrupts import Interruptible
from plait.parallel.nesting import Scope
from plait.parallel.options import CallOptions
from plait.parallel.outcome import Batch, Task, new_call

if TYPE_CHECKING:
    from plait.parallel.executor import ThreadPoolExecutor


class ThreadingBackend(SubmittingBackend):
    """Worker threads: nothing is pickled, and functions that hold the GIL take turns."""

    uses_threads = True
    supports_sharedmem = True

    def configure(
        self,
        n_jobs: int = 1,
        parallel: Any = None,
        prefer: str | None = None,
        require: str | None = None,
        **backend_kwargs: Any,
    ) -> int:
        workers = self.effective_n_jobs(n_jobs)
        if workers == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        self._size = workers
        return workers

    def _make_executor(self, workers: int) -> ThreadPoolExecutor:
        from plait.parallel.executor import ThreadPoolExecutor  # it takes concurrent.futures with it

        return ThreadPoolExecutor(workers)

    def open(self, workers: int, options: CallOptions) -> Runner | None:
        granted = borrow(workers)
        return Threads(granted, self.scope_of(nesting.THREADS)) if granted else None


class Threads:
    """Some of the pool's threads, for one call."""

    def __init__(self, limit: int, scope: Scope) -> None:
        self.limit = limit
        self.completions: Completions[Batch] = Completions()
        self.id = new_call()
        self._scope = scope
        self._crew = pool.threads().crew(self._run, limit, strict=True, lost=self._lost)
        self._open = True

    def submit(self, first: int, tasks: Sequence[Task], labels: Sequence[str] | None = None) -> Batch:
        batch = Batch(first, tasks, labels)
        self._crew.put(batch)
        return batch

    def _run(self, batch: Batch) -> None:
        nesting.enter(self._scope)
        run_here(batch, self.id, interrupts.current() or Interruptible())
        if not batch.lost:
            self.completions.put(batch)

    def _lost(self, batch: Batch, thread: int) -> None:
        self.completions.put(
            batch.lose(PoolError(f"its thread (native id {thread}) is stuck outside Python; it was abandoned"))
        )

    def has_begun(self, batch: Batch) -> bool:
        return True

    def stop(self, batch: Batch) -> None:
        self._crew.stop(batch)

    def cancel(self) -> None:
        self._crew.cancel()
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            nesting.budget().give_back(self.limit)
