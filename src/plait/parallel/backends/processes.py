"""The pool's worker processes."""

from __future__ import annotations

import itertools
import os
import warnings
from typing import TYPE_CHECKING, Any

from plait.parallel import nesting
from plait.parallel.backends.autobatching import AutoBatchingMixin
from plait.parallel.backends.base import FallbackToBackend, Runner, borrow
from plait.parallel.backends.sequential import SequentialBackend
from plait.parallel.backends.submitting import SubmittingBackend
from plait.parallel.options import BACKEND_KEYWORDS, CallOptions

if TYPE_CHECKING:
    from plait.parallel.executor import ProcessPoolExecutor

_leases = itertools.count(1)
_OPTIONS = frozenset(CallOptions._fields)


class _Lease:
    """The use of the pool from configure() to terminate(): as long as it is the same, so are the workers."""

    def __init__(self) -> None:
        self.folder = f"/memfd:plait/{os.getpid()}-{next(_leases)}"  # in which large arrays say they lie


class ProcessBackend(AutoBatchingMixin, SubmittingBackend):
    """Worker processes."""

    workers = nesting.PROCESSES  # as its tasks' scope says it
    _workers: _Lease | None = None

    def configure(
        self,
        n_jobs: int = 1,
        parallel: Any = None,
        prefer: str | None = None,
        require: str | None = None,
        **backend_kwargs: Any,
    ) -> int:
        """Raises ValueError and TypeError for keywords that there are not."""
        if "timeout" in {**self.backend_kwargs, **backend_kwargs}:
            raise ValueError(
                "'timeout' of a process backend is called `idle_worker_timeout`, "
                "since the time that a task may take is Parallel's own `timeout`; pass one of these two"
            )
        unknown = {**self.backend_kwargs, **backend_kwargs}.keys() - BACKEND_KEYWORDS - _OPTIONS
        if unknown:
            raise TypeError(
                f"{', '.join(sorted(unknown))}: no keyword of Parallel or of its process backends; "
                f"these have {', '.join(sorted(BACKEND_KEYWORDS))}"
            )
        workers = self.effective_n_jobs(n_jobs)
        if workers == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        self._size = workers
        self._workers = _Lease()
        return workers

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        workers = super().effective_n_jobs(n_jobs)
        if workers == 1:
            return 1
        refusal = self._refusal()
        if refusal is not None:
            warnings.warn(refusal, stacklevel=3)
            return 1
        return workers

    def _refusal(self) -> str | None:
        """Why a loop here has no workers, as far as it is nested."""
        raise NotImplementedError

    def _below_threads(self) -> bool:
        return bool(self.nesting_level) and nesting.in_worker_thread()

    def open(self, workers: int, options: CallOptions) -> Runner | None:
        granted = borrow(workers)
        if not granted:
            return None
        from plait.parallel.backends.process_runner import Processes
        from plait.parallel.transport.packing import ArrayPolicy

        folder = None if self._workers is None else self._workers.folder
        arrays = ArrayPolicy(options.max_nbytes, options.mmap_mode, folder=folder)
        return Processes(granted, options, self.scope_of(self.workers), arrays)

    def _make_executor(self, workers: int) -> ProcessPoolExecutor:
        from plait.parallel.executor import ProcessPoolExecutor  # it takes concurrent.futures with it

        return ProcessPoolExecutor(workers)

    def terminate(self) -> None:
        super().terminate()
        self._workers = None
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Calls of plait's own were stopped by their runner."""
        super().abort_everything(ensure_ready)
        self._workers = _Lease() if ensure_ready else None


class LokyBackend(ProcessBackend):
    """The default: worker processes, whose loops may have workers again. Named for the library that joblib has here."""

    supports_inner_max_num_threads = True

    def _refusal(self) -> str | None:
        if nesting.scope().workers == nesting.MULTIPROCESSING:
            return "Loky-backed parallel loops cannot be called in a multiprocessing, setting n_jobs=1"
        if self._below_threads():
            return "Loky-backed parallel loops cannot be nested below threads, setting n_jobs=1"
        return None


class MultiprocessingBackend(ProcessBackend):
    """The same worker processes, under the rules of joblib's older backend: below its tasks nothing has processes."""

    workers = nesting.MULTIPROCESSING

    def _refusal(self) -> str | None:
        workers = nesting.scope().workers
        if workers == nesting.MULTIPROCESSING:
            return "Multiprocessing-backed parallel loops cannot be nested, setting n_jobs=1"
        if workers == nesting.PROCESSES:
            return "Multiprocessing-backed parallel loops cannot be nested, below loky, setting n_jobs=1"
        if self._below_threads():
            return "Multiprocessing-backed parallel loops cannot be nested below threads, setting n_jobs=1"
        return None
