"""What a hub offers beside scheduling: a pool of threads, a resolver, a stream for errors, a name.

Each is made when it is first asked for, of the class that `config` names, and given back when the hub ends.
"""

from __future__ import annotations

import sys
from itertools import count

from plait.green.settings import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

__all__ = ["Facilities"]

_numbers = count(1)


class _ErrorStream:
    """Standard error as it is now, unless another stream was assigned; None prints nothing."""

    def __get__(self, hub: object | None, owner: type) -> Any:
        stream = sys.stderr
        return getattr(stream, "io", stream) if type(stream).__name__ == "FileObjectThread" else stream


class Facilities:
    """The part of `Hub` that is not scheduling. Subclasses may set `threadpool_size`."""

    threadpool_size = 10
    name = ""  #: Shown in its repr.
    thread_ident: int
    exception_stream: Any = _ErrorStream()  #: What uncaught errors are printed to; assign to change.
    periodic_monitoring_thread: Any = None
    asyncio_loop: Any = None  #: The event loop that `aio.wait` runs coroutines on, where there is no other.
    _resolver: Any = None
    _threadpool: Any = None
    _ident: int | None = None
    _format_context: Callable[[object], str] | None = None

    @property
    def main_hub(self) -> bool:
        """Whether it is the main thread's."""
        import threading  # not for this alone: it may be about to be patched

        return self.thread_ident == threading.main_thread().ident

    @property
    def minimal_ident(self) -> int:
        """A small number of its own."""
        if self._ident is None:
            self._ident = next(_numbers)
        return self._ident

    # -- the pool and the resolver -------------------------------------------------------------------------------

    @property
    def threadpool_class(self) -> Any:
        return config.threadpool

    @property
    def threadpool(self) -> Any:
        """Threads for calls that block: `hub.threadpool.apply(function, args)`."""
        if self._threadpool is None:
            self._threadpool = self.threadpool_class(
                self.threadpool_size, hub=self, idle_task_timeout=config.threadpool_idle_task_timeout
            )
        return self._threadpool

    @threadpool.setter
    def threadpool(self, value: Any) -> None:
        self._threadpool = value

    @threadpool.deleter
    def threadpool(self) -> None:
        self._threadpool = None

    @property
    def resolver_class(self) -> Any:
        return config.resolver

    @property
    def resolver(self) -> Any:
        """What the functions of `socket` ask for names and addresses."""
        if self._resolver is None:
            self._resolver = self.resolver_class(hub=self)
        return self._resolver

    @resolver.setter
    def resolver(self, value: Any) -> None:
        self._resolver = value

    @resolver.deleter
    def resolver(self) -> None:
        self._resolver = None

    def start_periodic_monitoring_thread(self) -> Any:
        """The thread that watches this hub, started now where `config.monitor_thread` asks for one; else None."""
        if self.periodic_monitoring_thread is None and config.monitor_thread:
            from importlib import import_module  # it watches hubs, so it cannot be imported by theirs

            import_module("plait.green.monitoring").start(self)
        return self.periodic_monitoring_thread

    def close_facilities(self) -> None:
        """Give all of them back. Called when the hub ends."""
        monitor, self.periodic_monitoring_thread = self.periodic_monitoring_thread, None
        resolver, self._resolver = self._resolver, None
        pool, self._threadpool = self._threadpool, None
        loop, self.asyncio_loop = self.asyncio_loop, None
        if loop is not None:
            loop.discard()
        if monitor is not None:
            monitor.kill()
        if resolver is not None:
            resolver.close()
        if pool is not None:
            pool.kill(block=False)

    # -- errors --------------------------------------------------------------------------------------------------

    @property
    def format_context(self) -> Callable[[object], str]:
        """How the context of an error is shown; see `config.format_context`."""
        if self._format_context is None:
            self._format_context = config.format_context
        return self._format_context

    @format_context.setter
    def format_context(self, value: Callable[[object], str]) -> None:
        self._format_context = value

    def _normalize_exception(
        self, kind: Any, value: Any, tb: TracebackType | None
    ) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
        """The triple to report: that being handled where none was given, with an exception for a mere message."""
        if kind is None and value is None:
            return sys.exc_info()
        if not isinstance(value, BaseException):
            value = kind() if value is None else kind(value)
        return kind, value, tb
