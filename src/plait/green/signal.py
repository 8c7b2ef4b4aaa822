"""signal, and handlers that run in greenlets.

Signals reach Python's own handlers here as anywhere, the hub's poll included: nothing of the process is taken over.
Two things are added. `signal.signal` for SIGCHLD calls its handler in a greenlet of its own, which may block and whose
failure is reported; every other signal has its handler where it interrupts. `signal_handler` calls a function in a
greenlet for any signal.

Every other name is the standard library's own.
"""

from __future__ import annotations

import signal as _signal
from collections.abc import Callable
from typing import Any

from plait.green.greenlets import Greenlet
from plait.green.hub import get_hub

__all__ = ["getsignal", "signal", "signal_handler"]

#: What patching puts in place of the standard library's.
__implements__ = ["getsignal", "signal"]

# Captured before anybody patches them.
_set = _signal.signal
_get = _signal.getsignal


def __getattr__(name: str) -> Any:
    return getattr(_signal, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_signal)})


class _ChildHandler:
    """Python's handler of SIGCHLD, which starts a greenlet that calls the user's."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[int, Any], object]) -> None:
        self.function = function

    def __call__(self, signum: int, frame: object) -> None:
        get_hub().run_callback_threadsafe(Greenlet.spawn, self.function, signum, None)


def signal(signalnum: int, handler: Any) -> Any:
    """signal.signal. A function for SIGCHLD is called as handler(SIGCHLD, None) in a greenlet. Returns what was set."""
    if signalnum == _signal.SIGCHLD and callable(handler):
        handler = _ChildHandler(handler)
    return _shown(_set(signalnum, handler))


def getsignal(signalnum: int) -> Any:
    """signal.getsignal: the handler that `signal` was given."""
    return _shown(_get(signalnum))


def _shown(handler: Any) -> Any:
    return handler.function if isinstance(handler, _ChildHandler) else handler


class signal_handler:
    """Calls handler(*args, **kwargs) in a greenlet of its own each time the signal has come, until `cancel`.

    It takes the place of the handler that was set, and puts that one back when it is cancelled. What the handler raises
    is reported and raised in the main greenlet. To be made in the main thread. `ref`: whether a hub with nothing else
    left waits for the signal.
    """

    def __init__(self, signalnum: int, handler: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        if not callable(handler):
            raise TypeError(f"handler={handler!r} is not callable; pass the function to call, its arguments after it")
        self._handler = handler
        self._args = args
        self._kwargs = kwargs
        self._watcher = get_hub().loop.signal(signalnum, ref=False)
        self._watcher.start(self._start)

    @property
    def ref(self) -> bool:
        return self._watcher.ref

    @ref.setter
    def ref(self, ref: bool) -> None:
        self._watcher.ref = ref

    def cancel(self) -> None:
        """Handle the signal no more. Nothing where it was cancelled."""
        self._watcher.stop()

    def _start(self) -> None:
        Greenlet.spawn(self._handle)

    def _handle(self) -> None:
        try:
            self._handler(*self._args, **self._kwargs)
        except BaseException as error:
            get_hub().handle_error(None, type(error), error, error.__traceback__)
