"""Patching threads: what `thread` and `threading` exchange, and what exists already.

`threading`'s own code stays, over other locks, idents and starts. Adapted in place is what was made before:

- the main thread, and threads that run: waiting for their end parks the greenlet (`_Watch`);
- Thread objects that were not started: they will be greenlets;
- `_DummyThread`, made by current_thread() in a greenlet that is no thread: it goes with its greenlet;
- logging's locks: else greenlets would write into one another's lines;
- the lock that concurrent.futures holds over every fork, which must never wait (see `_free_fork_of_executors`).

Locks made before stay what they are: threading's Condition, Event and Semaphore release theirs while they wait, and so
do not block a thread. A lock of C that is held over a switch does; nobody can change that any more.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from plait._base import clock, natives
from plait.green import pauses, thread
from plait.green.hub import get_hub, started
from plait.green.monkey import state
from plait.green.monkey.arrivals import when_imported
from plait.green.monkey.errors import Warnings
from plait.green.monkey.modules import patch_green_module
from plait.green.threadlocks import EndLock, LockType, RLock
from plait.green.timeout import deadline_after
from plait.green.waiter import DeadlineExceeded, Waiter
from plait.greenlet import getcurrent

__all__ = ["patch_threads"]

# How often the end of a thread is looked for where nothing can wait for it.
LOOK_S = 0.01

_HANDLE = "_os_thread_handle" if sys.version_info >= (3, 14) else "_handle"
_HAS_HANDLES = sys.version_info >= (3, 13)

_Thread: Any = threading.Thread
_DummyThread: Any = threading._DummyThread
_native_make_excepthook: Callable[[], Callable[[Any], None]] = threading._make_invoke_excepthook  # type: ignore[attr-defined]
_active: dict[int, Any] = threading._active  # type: ignore[attr-defined]


def patch_threads(
    warnings: Warnings | None,
    *,
    with_threading: bool,
    with_local: bool,
    with_event: bool,
    with_logging: bool,
    with_existing: bool,
) -> bool:
    if not patch_green_module("thread", warnings):
        return False
    thread.allow_greenlets_here()
    if with_threading:
        from plait.green import threading as green_threading

        items = [name for name in green_threading.__implements__ if with_event or name != "Event"]
        if patch_green_module("threading", warnings, items=items):
            _patch_thread_classes()
            _adapt_threads()
            after_fork = thread.end_others if _HAS_HANDLES else _await_the_thread_that_forked
            os.register_at_fork(after_in_child=after_fork)  # comes after that of threading
            if with_existing:
                _free_fork_of_executors()
                _adapt_import_locks()
            if with_logging:
                _patch_logging()
    if with_local:
        import _threading_local

        from plait.green.local import local

        state.patch_item(_threading_local, "local", local)
    return True


# -- threads that are there already --------------------------------------------------------------------------------


def _adapt_threads() -> None:
    main = threading.main_thread()
    for found in list(threading._dangling):  # type: ignore[attr-defined]
        if not found._initialized or isinstance(found, _DummyThread):
            continue
        if found is main:
            _adapt_main(found)
        elif not found._started.is_set():
            _adapt_unstarted(found)
        elif found.is_alive():
            _adapt_running(found)


def _adapt_main(main: Any) -> None:
    """Its end, which threading._shutdown announces, is a cooperative lock's release."""
    if _HAS_HANDLES:
        if not isinstance(getattr(main, _HANDLE), thread._ThreadHandle):
            setattr(main, _HANDLE, thread._make_thread_handle(main.ident))
    elif main._tstate_lock is not None and not isinstance(main._tstate_lock, EndLock):
        end = EndLock()
        end.acquire()
        _exchange_end(main, end)


def _adapt_unstarted(found: Any) -> None:
    if _HAS_HANDLES and not isinstance(getattr(found, _HANDLE), thread._ThreadHandle):
        setattr(found, _HANDLE, thread._ThreadHandle())


def _adapt_running(found: Any) -> None:
    if _HAS_HANDLES:
        handle = getattr(found, _HANDLE)
        if not isinstance(handle, (thread._ThreadHandle, _NativeHandle)):
            setattr(found, _HANDLE, _NativeHandle(handle))
    elif found._tstate_lock is not None and not isinstance(found._tstate_lock, (EndLock, _NativeEnd)):
        _exchange_end(found, _NativeEnd(found._tstate_lock))


def _exchange_end(found: Any, end: EndLock | _NativeEnd) -> None:
    """Before 3.13: the lock that join() acquires, which threading._shutdown waits for too."""
    awaited: set[Any] = threading._shutdown_locks  # type: ignore[attr-defined]
    if found._tstate_lock in awaited:
        awaited.discard(found._tstate_lock)
        awaited.add(end)
    found._tstate_lock = end


def _await_the_thread_that_forked() -> None:
    """In a child that another greenlet than the main one forked: that thread is `threading`'s main one now.

    One that was no thread has a dummy, which becomes a main thread as in later releases. The program still ends in the
    main greenlet, which goes on too, and waits there for all threads but the main one. Before 3.13; from then on
    `thread._shutdown` waits for it.
    """
    main: Any = threading.main_thread()
    if type(main) is _DummyThread:
        main.__class__ = threading._MainThread  # type: ignore[attr-defined]
        main._name = "MainThread"
        main._daemonic = False
        main._set_tstate_lock()
    if getcurrent().parent is not None and not main.daemon and main._tstate_lock is not None:
        threading._shutdown_locks.add(main._tstate_lock)  # type: ignore[attr-defined]


class _Watch:
    """Waits for a thread's end, which only blocks: a thread of its own does that, and wakes who waits here.

    Where the interpreter is ending and starts no more threads, it is looked at now and then instead.
    """

    def __init__(self, block: Callable[[], object], is_over: Callable[[], bool]) -> None:
        self._block = block
        self._is_over = is_over
        self._waiters: list[Waiter[Any]] = []
        self._begun = self._over = False

    def wait(self, timeout: float | None) -> bool:
        """False where `timeout` seconds passed first."""
        deadline = deadline_after(timeout)
        if not self._begun and not self._begin():
            return self._look_until(deadline)
        waiter: Waiter[Any] = Waiter(outside=True)
        self._waiters.append(waiter)
        try:
            if not self._over:
                waiter.wait(deadline)
        except DeadlineExceeded:
            return False
        finally:
            self._waiters.remove(waiter)
        return True

    def _begin(self) -> bool:
        try:
            natives.start_new_thread(self._run, ())
        except RuntimeError:
            return False
        self._begun = True
        return True

    def _look_until(self, deadline: float | None) -> bool:
        while not self._is_over():
            if deadline is not None and clock.now() >= deadline:
                return False
            pauses.sleep(LOOK_S)
        return True

    def _run(self) -> None:
        self._block()
        self._over = True
        for waiter in list(self._waiters):
            waiter.wake()


class _NativeEnd:
    """Before 3.13: the lock of C that an OS thread holds until it ends; waiting for it parks the greenlet."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._watch = _Watch(self._await, self._is_over)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        while not self._lock.acquire(False):
            if not blocking or not self._watch.wait(None if timeout < 0 else timeout):
                return False
        return True

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        return bool(self._lock.locked())

    def _await(self) -> None:
        self._lock.acquire()
        self._lock.release()

    def _is_over(self) -> bool:
        return not self._lock.locked()

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()
        self._watch = _Watch(self._await, self._is_over)


class _NativeHandle:
    """From 3.13 on: an OS thread's handle; join() parks the greenlet."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._watch = _Watch(handle.join, handle.is_done)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def join(self, timeout: float | None = None) -> None:
        if self._handle.ident == natives.get_ident():
            self._handle.join(timeout)  # which says that this cannot be
        if not self._handle.is_done():
            self._watch.wait(None if timeout is None or timeout < 0 else timeout)


# -- threading's own code ---------------------------------------------------------------------------------------


def _patch_thread_classes() -> None:
    if _Thread._delete is _delete:
        return
    _Thread._delete = _delete
    state.patch_item(threading, "_make_invoke_excepthook", partial(_make_invoke_excepthook, _native_make_excepthook))
    native = getattr(threading, "_DeleteDummyThreadOnDel", None)
    if native is not None:  # called by _DummyThread.__init__; it knows of OS threads' ends
        state.patch_item(threading, "_DeleteDummyThreadOnDel", partial(_forget_at_end, native))
    else:
        _DummyThread.__init__ = _with_cleanup(_DummyThread.__init__)


def _delete(self: Any) -> None:
    """Thread._delete, also where a fork has forgotten the thread."""
    with threading._active_limbo_lock:  # type: ignore[attr-defined]
        _active.pop(thread.get_ident(), None)


def _make_invoke_excepthook(native: Callable[[], Callable[[Any], None]]) -> Callable[[Any], None]:
    """What a thread calls when its run() has raised. Ctrl-C goes on to the main greenlet."""
    report = native()

    def invoke(raising: Any) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, KeyboardInterrupt) and started():
            get_hub().handle_system_error(type(error), error, error.__traceback__)
        else:
            report(raising)

    return invoke


def _with_cleanup(native_init: Callable[[Any], None]) -> Callable[[Any], None]:
    def init(self: Any) -> None:
        native_init(self)
        _forget_at_end(None, self)

    return init


def _forget_at_end(native: Callable[[Any], object] | None, dummy: Any) -> None:
    """A greenlet's dummy goes when that ends, an OS thread's as it always did."""
    runner = getcurrent()
    if runner.parent is not None:
        thread.at_end_of(runner, partial(_forget, dummy._ident, weakref.ref(dummy)))
    elif native is not None and dummy._ident != threading._get_main_thread_ident():  # type: ignore[attr-defined]
        native(dummy)


def _forget(ident: int, dummy: Any) -> None:
    if _active.get(ident) is dummy():
        _active.pop(ident, None)


# -- locks that others made ----------------------------------------------------------------------------------------


def _patch_logging() -> None:
    logging: Any = sys.modules.get("logging")
    if logging is None or isinstance(logging._lock, RLock):
        return
    native = type(logging._lock)
    state.patch_item(logging, "_lock", RLock())
    for reference in logging._handlerList:
        handler = reference()
        if handler is not None and isinstance(handler.lock, native):
            handler.lock = RLock()


def _free_fork_of_executors() -> None:
    """concurrent.futures holds a lock while a fork is made, and over the start of its threads.

    Starting a thread switches, so a greenlet that forks meanwhile would wait in the middle of the fork. The hooks of
    fork keep the module's first lock, which nobody else takes from now on; its code looks its lock up each time.
    """
    when_imported("concurrent.futures.thread", _exchange_executors_lock)


def _exchange_executors_lock(module: Any) -> None:
    if hasattr(module, "_global_shutdown_lock"):
        module._global_shutdown_lock = lock = LockType()
        os.register_at_fork(after_in_child=lock._at_fork_reinit)


def _adapt_import_locks() -> None:
    """Patching in a greenlet, while a module is imported: its lock was taken under the thread's ident."""
    native, ident = natives.get_ident(), thread.get_ident()
    if native == ident:
        return
    for reference in list(sys.modules["_frozen_importlib"]._module_locks.values()):
        lock = reference()
        if lock is not None and lock.owner == native:
            lock.owner = ident
