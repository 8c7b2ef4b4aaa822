"""joblib.executor: the shared executor under its older name, whose calls get large arrays as those of a loop do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from plait.compat.joblib_private.loky import Future, ReusableExecutor, get_reusable_executor
from plait.parallel.options import size_bytes
from plait.parallel.transport.packing import ArrayPolicy


class MemmappingExecutor(ReusableExecutor):
    """What isinstance() is asked for, and a factory."""

    @classmethod
    def get_memmapping_executor(cls, n_jobs: int, **settings: Any) -> ReusableExecutor:
        return get_memmapping_executor(n_jobs, **settings)


def get_memmapping_executor(
    n_jobs: int,
    timeout: float = 300,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    max_nbytes: float | str | None = 1e6,
    mmap_mode: str | None = "r",
    **settings: Any,
) -> ReusableExecutor:
    """The shared executor, of n_jobs workers."""
    arrays = arrays_policy(max_nbytes, mmap_mode)
    return get_reusable_executor(n_jobs, timeout=timeout, initializer=initializer, initargs=initargs, arrays=arrays)


def arrays_policy(max_nbytes: float | str | None, mmap_mode: str | None) -> ArrayPolicy:
    """Each call gets its arrays as they are when it is submitted."""
    return ArrayPolicy(size_bytes(max_nbytes), mmap_mode, dedupe=False)


class _TestingMemmappingExecutor(MemmappingExecutor):
    """An executor with names of multiprocessing.Pool."""

    @classmethod
    def get_memmapping_executor(
        cls, n_jobs: int, max_nbytes: float | str | None = 1e6, mmap_mode: str | None = "r", **settings: Any
    ) -> _TestingMemmappingExecutor:
        return cls(n_jobs, arrays=arrays_policy(max_nbytes, mmap_mode))

    def apply_async(self, func: Callable[..., Any], args: Iterable[Any]) -> Future[Any]:
        future: Future[Any] = self.submit(func, *args)
        future.get = future.result  # type: ignore[attr-defined]
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **settings: Any) -> Any:
        return list(super().map(fn, *iterables, **settings))

    def terminate(self) -> None:
        self.shutdown()
