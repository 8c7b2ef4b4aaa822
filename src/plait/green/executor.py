"""ThreadPoolExecutor: concurrent.futures' interface of a ThreadPool.

Its futures are waited for cooperatively: by `result` and `exception`, by `plait.green.wait`, and by the functions of
concurrent.futures where `threading` is patched. Elsewhere those would block the hub that is to bring the result: their
first touch of the future is an AttributeError that says so.

A future is pending -> running -> finished, or pending -> cancelled. The worker's step to running and `cancel` are
ordered by a lock of the future's own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import _base
from concurrent.futures.thread import BrokenThreadPool
from typing import Any

from plait.green.event import AsyncResult
from plait.green.greenlets import spawn_raw
from plait.green.hub import get_hub
from plait.green.threadpool import ThreadPool
from plait.green.timeout import Timeout
from plait.green.workers import allocate_lock, get_ident

__all__ = ["Future", "ThreadPoolExecutor"]


class Future(futures.Future[Any]):
    """The outcome of a call that an executor runs in a thread."""

    def __init__(self) -> None:
        # The base keeps its state under a condition of `threading`, which would block the thread.
        self._guard = allocate_lock()
        self._state = _base.PENDING
        self._outcome = AsyncResult()
        self._callbacks: list[Callable[[Any], object]] = []
        self._watchers: list[Any] | None = None
        self._lock: Any = None
        self.hub = get_hub()

    def __repr__(self) -> str:
        state = self._state.lower()
        if self._state == _base.FINISHED:
            error = self._outcome.exception
            state += f" returned {type(self._outcome.value).__name__}" if error is None else f" raised {error!r}"
        return f"<{type(self).__name__} at {id(self):#x} state={state}>"

    # -- the worker's side ---------------------------------------------------------------------------------------

    def set_running_or_notify_cancel(self) -> bool:
        """Begin; False where it was cancelled."""
        with self._guard:
            if self._state != _base.PENDING:
                return False
            self._state = _base.RUNNING
            return True

    def follow(self, task: AsyncResult) -> None:
        """Take over the outcome of the pool's task when it is there."""
        task.rawlink(self._take_over)

    def _take_over(self, task: AsyncResult) -> None:
        """In the hub."""
        if self._state != _base.CANCELLED_AND_NOTIFIED:
            self._state = _base.FINISHED
            self._outcome(task)
            spawn_raw(self._announce)

    def _announce(self) -> None:
        """Tell those who are not waiting in `result`; in a greenlet, since they may block."""
        for watcher in self._watchers or ():
            if self._outcome.successful():
                watcher.add_result(self)
            else:
                watcher.add_exception(self)
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            self._call(callback)

    def _call(self, callback: Callable[[Any], object]) -> None:
        try:
            callback(self)
        except Exception as error:
            self.hub.print_exception((callback, self), type(error), error, error.__traceback__)

    # -- the caller's side ---------------------------------------------------------------------------------------

    def cancel(self) -> bool:
        """Keep it from running. False where it runs or has ended."""
        with self._guard:
            if self._state == _base.PENDING:
                self._state = _base.CANCELLED_AND_NOTIFIED
            elif self._state != _base.CANCELLED_AND_NOTIFIED:
                return False
        if not self._outcome.ready():
            self._outcome.set_exception(futures.CancelledError())
            spawn_raw(self._announce)
        return True

    def cancelled(self) -> bool:
        return self._state == _base.CANCELLED_AND_NOTIFIED

    def running(self) -> bool:
        return self._state == _base.RUNNING

    def done(self) -> bool:
        return self._outcome.ready()

    ready = done

    def successful(self) -> bool:
        return self._outcome.successful()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value; raises what the call raised, and TimeoutError after `timeout` seconds."""
        limit = Timeout(timeout)
        try:
            return self._outcome.get(timeout=limit)
        except Timeout as error:
            if error is limit:
                raise futures.TimeoutError() from None
            raise

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the exception; None where there is a value. Raises CancelledError and TimeoutError itself."""
        try:
            self.result(timeout)
        except (futures.CancelledError, futures.TimeoutError):
            if not self.done() or self.cancelled():
                raise
        except BaseException:
            if not self.done():  # the wait was ended
                raise
        return self._outcome.exception

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call fn(self) in a greenlet when it is done, or here where it is; what it raises is printed."""
        if self.done():
            self._call(fn)
        else:
            self._callbacks.append(fn)

    def rawlink(self, callback: Callable[[Any], object]) -> None:
        """As of an AsyncResult: what `plait.green.wait` uses."""
        self._outcome.rawlink(_Link(callback, self))

    def unlink(self, callback: Callable[[Any], object]) -> None:
        self._outcome.unlink(_Link(callback, self))

    # -- for concurrent.futures.wait and as_completed ------------------------------------------------------------

    @property
    def _condition(self) -> Any:  # type: ignore[override]
        if self._lock is None:
            if not self.done() and not _threading_is_patched():
                raise AttributeError(
                    "this would block the hub that is to bring the result; wait with plait.green.wait, "
                    "or patch `threading`"
                )
            import threading

            self._lock = threading.Condition()
        return self._lock

    @property
    def _waiters(self) -> list[Any]:  # type: ignore[override]
        if self._watchers is None:
            self._watchers = []
        return self._watchers


class _Link:
    """A callback that gets the future; equal to every other of the same two."""

    __slots__ = ("callback", "future")

    def __init__(self, callback: Callable[[Any], object], future: Future) -> None:
        self.callback = callback
        self.future = future

    def __call__(self, _outcome: AsyncResult) -> None:
        self.callback(self.future)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Link) and other.callback == self.callback and other.future is self.future

    __hash__ = None  # type: ignore[assignment]


def _threading_is_patched() -> bool:
    monkey = sys.modules.get("plait.green.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


class ThreadPoolExecutor(futures.ThreadPoolExecutor):
    """Runs calls in OS threads, also where `threading` is patched; takes what its base takes.

    Calls are submitted from the thread that made it. An `initializer` runs in each thread before its first call;
    where it fails, so does that call, with BrokenThreadPool.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
        **context: Any,
    ) -> None:
        """context: what the base takes besides, which differs between Python's versions."""
        super().__init__(max_workers, thread_name_prefix, initializer, initargs, **context)
        self._initializer = initializer
        self._initargs = initargs
        self._pool = ThreadPool(self._max_workers)
        self._initialized: set[int] = set()
        self._pending: set[Future] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """A future of fn(*args, **kwargs)."""
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown; make another executor")
        future = Future()
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        future.follow(self._pool.spawn(self._run, future, fn, args, kwargs))
        return future

    def _run(self, future: Future, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """In a worker."""
        if not future.set_running_or_notify_cancel():
            return None
        self._initialize()
        return fn(*args, **kwargs)

    def _initialize(self) -> None:
        if self._initializer is None or get_ident() in self._initialized:
            return
        try:
            self._initializer(*self._initargs)
        except BaseException as error:
            raise BrokenThreadPool(f"the initializer of {self!r} failed: {error!r}") from error
        self._initialized.add(get_ident())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, and end the threads; with `wait` when the calls have ended, waited for cooperatively."""
        self._shutdown = True
        if cancel_futures:
            for future in list(self._pending):
                future.cancel()
        if wait:
            self._pool.join()
        self._pool.kill(block=wait)

    kill = shutdown
