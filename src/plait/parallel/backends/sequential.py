"""The caller itself runs the tasks, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.parallel.backends.base import ACTIVE, NativeBackend, Runner, above
from plait.parallel.budget import worker_count
from plait.parallel.options import CallOptions


class SequentialBackend(NativeBackend):
    """No workers, whatever `n_jobs` is. Loops that its tasks start are not nested."""

    uses_threads = True
    supports_sharedmem = True
    supports_return_generator = True
    supports_timeout = False
    supports_retrieve_callback = False

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        worker_count(n_jobs)  # 0 is refused
        return 1

    def runs_in_place(self, workers: int) -> bool:
        return True

    def open(self, workers: int, options: CallOptions) -> Runner | None:
        return None

    def submit(self, func: Callable[[], Any], callback: Callable[..., Any] | None = None) -> Any:
        raise RuntimeError("the sequential backend has no workers to submit to; call the function")

    def get_nested_backend(self) -> tuple[Any, int | None]:
        nested: tuple[Any, int | None] = above[ACTIVE]()
        return nested
