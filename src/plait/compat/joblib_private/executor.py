"""joblib.executor: the shared executor under its older name; large arrays travel in shared memory by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.compat.joblib_private.loky import ReusableExecutor, get_reusable_executor


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
    **settings: Any,
) -> ReusableExecutor:
    """The shared executor, of n_jobs workers."""
    return get_reusable_executor(n_jobs, timeout=timeout, initializer=initializer, initargs=initargs)
