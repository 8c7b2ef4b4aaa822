"""submit() of the backends on threads and processes, for subclasses that have a hand in how a batch is run.

Plait's own loops do not go this way: open() gives them a Runner. A subclass that overrides submit() is run through
`adapter`, and what it leaves to its base ends here, in an executor of concurrent.futures on the same pool.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.parallel.backends.base import NativeBackend

if TYPE_CHECKING:
    from plait.parallel.executor import ProcessPoolExecutor, ThreadPoolExecutor


class SubmittingBackend(NativeBackend):
    """A backend with workers."""

    _size = 1  # workers, from configure() on
    _executor: ThreadPoolExecutor | ProcessPoolExecutor | None = None

    def _make_executor(self, workers: int) -> ThreadPoolExecutor | ProcessPoolExecutor:
        raise NotImplementedError

    def submit(self, func: Callable[[], Any], callback: Callable[..., Any] | None = None) -> Any:
        if self._executor is None:
            self._executor = self._make_executor(self._size)
        future = self._executor.submit(func)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def apply_async(self, func: Callable[[], Any], callback: Callable[..., Any] | None = None) -> Any:
        return self.submit(func, callback)

    def retrieve_result_callback(self, out: Any) -> Any:
        return out.result()

    def retrieve_result(self, out: Any, timeout: float | None = None) -> Any:
        return out.result(timeout)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, kill_workers=True)
            self._executor = None

    def terminate(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None
