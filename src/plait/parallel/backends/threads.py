"""The pool's worker threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.parallel import nesting
from plait.parallel.backends.base import FallbackToBackend, Runner, borrow
from plait.parallel.backends.sequential import SequentialBackend
from plait.parallel.backends.submitting import SubmittingBackend
from plait.parallel.options import CallOptions

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
        if not granted:
            return None
        from plait.parallel.backends.thread_runner import Threads

        return Threads(granted, self.scope_of(nesting.THREADS))
