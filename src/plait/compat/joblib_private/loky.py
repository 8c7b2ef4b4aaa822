"""joblib.externals.loky: one executor that all share, names of concurrent.futures, and a choice of picklers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED as ALL_COMPLETED
from concurrent.futures import FIRST_COMPLETED as FIRST_COMPLETED
from concurrent.futures import FIRST_EXCEPTION as FIRST_EXCEPTION
from concurrent.futures import CancelledError as CancelledError
from concurrent.futures import Executor as Executor
from concurrent.futures import Future as Future
from concurrent.futures import TimeoutError as TimeoutError
from concurrent.futures import as_completed as as_completed
from concurrent.futures import wait as wait
from concurrent.futures.process import BrokenProcessPool as BrokenProcessPool
from importlib import import_module
from typing import Any

from plait.parallel import pool
from plait.parallel.executor import ProcessPoolExecutor as ProcessPoolExecutor
from plait.parallel.transport.packing import OFF, ArrayPolicy


def set_loky_pickler(loky_pickler: str | None = None) -> None:
    """Accept a module with a Pickler, and go on as before: plait sends by name what has one, and the rest by value."""
    name = loky_pickler or "cloudpickle"
    if not hasattr(import_module(name), "Pickler"):
        raise AttributeError(f"module {name!r} has no Pickler; pass 'cloudpickle' or 'pickle'", name="Pickler")


class ReusableExecutor(ProcessPoolExecutor):
    """The executor that all callers of get_reusable_executor share."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False, kill_workers: bool = False) -> None:
        """Take no more calls, and end the worker processes, those of loops too: later ones see today's environment."""
        super().shutdown(wait, cancel_futures=cancel_futures, kill_workers=kill_workers)
        pool.shutdown(threads=False)

    @property
    def closed(self) -> bool:
        return self._shut_down


_shared: tuple[tuple[Any, ...], ReusableExecutor] | None = None


def get_reusable_executor(
    max_workers: int | None = None,
    context: Any = None,
    timeout: float = 10,
    kill_workers: bool = False,
    reuse: bool | str = "auto",
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    arrays: ArrayPolicy = OFF,
    **_: Any,
) -> ReusableExecutor:
    """The shared executor; another one where that was shut down, or reuse is not True and it has other settings."""
    global _shared
    asked = (max_workers, initializer, initargs, arrays)
    if _shared is not None and not _shared[1].closed:
        settings, executor = _shared
        if reuse is True or (reuse == "auto" and asked == settings):
            return executor
        ProcessPoolExecutor.shutdown(executor, wait=False)  # its calls end, and the workers stay
    executor = ReusableExecutor(max_workers, initializer=initializer, initargs=initargs, arrays=arrays)
    _shared = (asked, executor)
    return executor
