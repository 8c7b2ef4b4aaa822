"""The `_thread` module on greenlets: a thread is a greenlet of the calling thread's hub.

Owns: starting them, saying who runs (`get_ident`), and telling when one has ended (`_ThreadHandle`, `_set_sentinel`),
which is all that `threading` asks for; so that module's own code, its shutdown included, works unchanged on any of its
versions. Locks are `threadlocks`. Every other name is the standard library's.

The main greenlet of an OS thread has that thread's own ident, other greenlets have one of their own. So what was
registered under an ident before anything was patched stays right, and `signal.pthread_kill(get_ident(), ...)` too.

A thread's function that raises is reported as the interpreter does it, through sys.unraisablehook; SystemExit and
GreenletExit end it quietly.
"""

from __future__ import annotations

import _thread
import sys
import weakref
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

from plait._base import natives
from plait.green.greenlets import Greenlet
from plait.green.hub import started
from plait.green.threadlocks import EndLock, LockType, RLock, get_ident
from plait.greenlet import GreenletExit, getcurrent, greenlet

__all__ = [
    "LockType",
    "RLock",
    "allocate",
    "allocate_lock",
    "error",
    "exit",
    "get_ident",
    "interrupt_main",
    "stack_size",
    "start_new",
    "start_new_thread",
]

_HAS_HANDLES = sys.version_info >= (3, 13)

#: What patching puts in place of the standard library's.
__implements__ = [
    "LockType",
    "RLock",
    "_local",
    "allocate",
    "allocate_lock",
    "get_ident",
    "start_new",
    "start_new_thread",
    *(["_ThreadHandle", "_make_thread_handle", "_shutdown", "lock", "start_joinable_thread"] if _HAS_HANDLES else []),
    *([] if _HAS_HANDLES else ["_set_sentinel"]),
]
__target__ = "_thread"

error = _thread.error
interrupt_main = _thread.interrupt_main
stack_size = _thread.stack_size
lock = allocate = allocate_lock = LockType

_native_get_ident = natives.get_ident
_native_shutdown: Callable[[], None] | None = getattr(_thread, "_shutdown", None)


def __getattr__(name: str) -> Any:
    return getattr(_thread, name)


def exit() -> NoReturn:
    """End the calling greenlet."""
    raise GreenletExit


# -- starting ------------------------------------------------------------------------------------------------------


class ThreadGreenlet(Greenlet):
    """A greenlet that was started as a thread."""

    _sentinel: EndLock | None = None  # released when it has ended

    def __init__(self, function: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self._call: tuple[Callable[..., object], tuple[Any, ...], Mapping[str, Any]] | None = (function, args, kwargs)

    def _run(self) -> None:
        assert self._call is not None
        function, args, kwargs = self._call
        self._call = None
        try:
            function(*args, **kwargs)
        except (SystemExit, GreenletExit):
            pass
        except BaseException as failure:
            _report(function, failure)
        finally:
            if self._sentinel is not None:
                self._sentinel.release()


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None, /
) -> int:
    """Start a greenlet of function(*args, **kwargs); returns its ident."""
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError("optional 3rd arg must be a dictionary")
    sys.audit("_thread.start_new_thread", function, args, kwargs)
    if _runs_no_greenlets():
        return natives.start_new_thread(function, args, kwargs or {})
    return id(ThreadGreenlet.spawn(function, args, kwargs or {}))


start_new = start_new_thread


def allow_greenlets_here() -> None:
    """Let this OS thread start its threads as greenlets: the main thread does from the beginning."""
    _greenlet_threads.add(_native_get_ident())


def _runs_no_greenlets() -> bool:
    """Whether this is an OS thread that some library started for itself: what it starts must be OS threads too.

    Nobody would let greenlets run there once the function that started them returns.
    """
    ident = _native_get_ident()
    return not started() and ident not in _greenlet_threads and ident != _main_ident()


_greenlet_threads: set[int] = set()


def _main_ident() -> int | None:
    import threading

    return threading.main_thread().ident


def _report(function: Callable[..., object], failure: BaseException) -> None:
    """As the interpreter reports what a thread's function raises."""
    hook: Callable[[Any], object] = sys.unraisablehook
    message = "Exception ignored in thread started by"
    if hook is sys.__unraisablehook__:  # takes only arguments that the interpreter itself has made
        if sys.stderr is not None:
            import traceback  # heavy, and seldom needed

            print(f"{message}: {function!r}", file=sys.stderr)
            traceback.print_exception(failure, file=sys.stderr)
        return
    hook(
        SimpleNamespace(
            exc_type=type(failure),
            exc_value=failure,
            exc_traceback=failure.__traceback__,
            err_msg=f"{message} {function!r}" if _HAS_HANDLES else message,
            object=None if _HAS_HANDLES else function,
        )
    )


# -- hearing of the end, before 3.13 -------------------------------------------------------------------------------


class _Releaser:
    """Releases a lock when it is dropped itself."""

    def __init__(self, lock: EndLock) -> None:
        self._lock = lock

    def __del__(self) -> None:
        self._lock.release()


_at_thread_end = natives.local()


def _set_sentinel() -> EndLock:
    """A lock that is released when the current greenlet, or the OS thread whose main greenlet it is, has ended."""
    sentinel = EndLock()
    runner = getcurrent()
    if isinstance(runner, ThreadGreenlet):
        runner._sentinel = sentinel
    elif runner.parent is None:
        _at_thread_end.releaser = _Releaser(sentinel)
    else:
        at_end_of(runner, sentinel.release)
    return sentinel


_end_watches: dict[int, Any] = {}


def at_end_of(runner: greenlet, function: Callable[[], object]) -> None:
    """Call function() when the greenlet has ended; for a bare greenlet, when it is dropped."""
    if isinstance(runner, Greenlet):
        runner.rawlink(lambda _: function())
        return

    def dropped(watch: Any) -> None:
        del _end_watches[id(watch)]
        function()

    watch = weakref.ref(runner, dropped)
    _end_watches[id(watch)] = watch


# -- handles, from 3.13 on -----------------------------------------------------------------------------------------


class _ThreadHandle:
    """Whether a thread has ended, and waiting for that: new -> running -> done. `_busy` is held while it runs."""

    __slots__ = ("__weakref__", "_busy", "_ident")

    def __init__(self) -> None:
        self._ident = 0
        self._busy: EndLock | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object: ident={self._ident}>"

    @property
    def ident(self) -> int:
        """The thread's ident; 0 before it was started."""
        return self._ident

    def is_done(self) -> bool:
        return self._busy is not None and not self._busy.locked()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, `timeout` seconds at most; None or a negative number waits for ever."""
        busy = self._started()
        if not busy.locked():
            return
        if self._ident == get_ident():
            raise RuntimeError("Cannot join current thread")
        busy.acquire(True, -1 if timeout is None or timeout < 0 else timeout)

    def _set_done(self) -> None:
        self._started().release()

    def _started(self) -> EndLock:
        if self._busy is None:
            raise RuntimeError("thread not started")
        return self._busy

    def _begin(self, ident: int) -> None:
        """Called by the thread that starts it, or by the thread itself."""
        if self._busy is None:
            _begun.add(self)
            self._busy = EndLock()
            self._busy.acquire()
        self._ident = ident


_begun: weakref.WeakSet[_ThreadHandle] = weakref.WeakSet()
# Threads that the program's end waits for, and what says that they have ended: their handles may have been told before,
# by threading._shutdown to that of a thread which is the main one since it forked.
_awaited: dict[_ThreadHandle, EndLock] = {}


def start_joinable_thread(
    function: Callable[[], object], handle: _ThreadHandle | None = None, daemon: bool = True
) -> _ThreadHandle:
    """Start a greenlet of function(); returns the handle that tells of its end."""
    if not callable(function):
        raise TypeError("thread function must be callable")
    if handle is None:
        handle = _ThreadHandle()
    elif not isinstance(handle, _ThreadHandle):
        raise TypeError(f"handle={handle!r} must be a _ThreadHandle")
    elif handle._busy is not None:
        raise RuntimeError("thread already started")
    sys.audit("_thread.start_joinable_thread", function, daemon, handle)
    handle._begin(0)
    if not daemon:
        _awaited[handle] = end = EndLock()
        end.acquire()
    if _runs_no_greenlets():
        natives.start_new_thread(_run_native, (function, handle))
    else:
        runner = ThreadGreenlet(_run_with_handle, (function, handle), {})
        handle._ident = id(runner)
        runner.start()
    return handle


def _run_with_handle(function: Callable[[], object], handle: _ThreadHandle) -> None:
    try:
        function()
    except (SystemExit, GreenletExit):
        pass
    except BaseException as failure:
        _report(function, failure)
    finally:
        end = _awaited.pop(handle, None)
        if end is not None:
            end.release()
        handle._set_done()


def _run_native(function: Callable[[], object], handle: _ThreadHandle) -> None:
    handle._ident = _native_get_ident()
    _run_with_handle(function, handle)


def _make_thread_handle(ident: int) -> _ThreadHandle:
    """The handle of a thread that runs already."""
    handle = _ThreadHandle()
    handle._begin(ident)
    return handle


def end_others() -> None:
    """In a forked child: of the threads only that which forked is there, and all others have ended."""
    for handle in list(_begun):
        if handle.ident != get_ident():
            _awaited.pop(handle, None)
            handle._set_done()


def _shutdown() -> None:
    """Wait for the end of all threads that are not daemons."""
    while _awaited:
        handle, end = next(iter(_awaited.items()))
        if handle.ident != get_ident():  # else the program ends in that thread, after a fork in it
            end.acquire()
        _awaited.pop(handle, None)
    if _native_shutdown is not None:
        _native_shutdown()
