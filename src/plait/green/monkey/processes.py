"""Patching multiprocessing: its pipes, its semaphores and its forks park the greenlet.

Its feeder and manager threads are greenlets, so none of what they do may block the thread: a pipe is read and written
when it is ready, in pieces that a ready pipe takes without blocking; a semaphore of the kernel's that another process
holds is asked for again after a pause, since only a thread could wait for it, and the kernel would then think that
thread the owner. With greenlets, a recursive lock belongs to one greenlet.

A process that is forked begins without the parent's greenlets, in a hub of its own once it needs one; the greenlet that
forked is its main one. (`os.fork` itself, patched, keeps the greenlets.)

Adapted when the modules are imported, and in place: connections and locks made before work too.
"""

from __future__ import annotations

import gc
import os
from types import ModuleType
from typing import Any

from plait._base import clock, natives
from plait.green import pauses
from plait.green.hub import started
from plait.green.monkey.arrivals import when_imported
from plait.green.poller import READ, WRITE
from plait.green.timeout import deadline_after
from plait.green.waits import wait_for
from plait.greenlet import getcurrent, greenlet

__all__ = ["patch_processes"]

# The kernel promises that a pipe which is ready takes so much without blocking.
PIPE_BUF = 4096
# How often a semaphore that another process holds is asked for: at first, and at last.
FIRST_PAUSE_S = 0.0005
LAST_PAUSE_S = 0.02

_read = os.read
_write = os.write


def patch_processes() -> None:
    when_imported("multiprocessing.connection", _patch_connection)
    when_imported("multiprocessing.synchronize", _patch_semaphores)
    when_imported("multiprocessing.popen_fork", _patch_fork)


# -- pipes ---------------------------------------------------------------------------------------------------------


def _patch_connection(module: Any) -> None:
    from plait.green.os import close

    module.Connection._recv.__defaults__ = (_read_when_ready,)
    module.Connection._send.__defaults__ = (_write_when_ready,)
    module.Connection._close.__defaults__ = (close,)


def _read_when_ready(fd: int, size: int) -> bytes:
    if started():
        wait_for(fd, READ, None, sticky=False)
    return _read(fd, size)


def _write_when_ready(fd: int, data: Any) -> int:
    if not started():
        return _write(fd, data)
    wait_for(fd, WRITE, None, sticky=False)
    return _write(fd, memoryview(data)[:PIPE_BUF])


# -- semaphores ----------------------------------------------------------------------------------------------------

_RECURSIVE = 0  # the kind of a semaphore that is a reentrant lock


def _patch_semaphores(module: Any) -> None:
    semlock: Any = module.SemLock
    semlock._make_methods = _make_methods
    semlock.__enter__ = lambda self: self.acquire()
    semlock.__exit__ = lambda self, *failure: self.release()
    for found in gc.get_objects():
        if isinstance(found, semlock):
            _make_methods(found)


def _make_methods(self: Any) -> None:
    acquirer = _Acquirer(self._semlock)
    self.acquire, self.release = acquirer.acquire, acquirer.release


class _Acquirer:
    """acquire and release of one semaphore."""

    def __init__(self, semaphore: Any) -> None:
        self._semaphore = semaphore
        self._owner: greenlet | None = None  # of a reentrant lock that this process holds

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        if self._try():
            return True
        if not block:
            return False
        if not started():
            return bool(self._semaphore.acquire(block, timeout))
        deadline = deadline_after(timeout)
        pause = FIRST_PAUSE_S
        while not self._try():
            left = pause if deadline is None else min(pause, deadline - clock.now())
            if left <= 0:
                return False
            pauses.sleep(left)
            pause = min(2 * pause, LAST_PAUSE_S)
        return True

    def release(self) -> None:
        self._semaphore.release()
        if not self._semaphore._count():
            self._owner = None

    def _try(self) -> bool:
        me = getcurrent()
        if self._owner is not None and self._owner is not me and self._semaphore._is_mine():
            return False  # the kernel's owner is this thread, but another greenlet of it
        if not self._semaphore.acquire(False):
            return False
        if self._semaphore.kind == _RECURSIVE:
            self._owner = me
        return True


# -- forks ---------------------------------------------------------------------------------------------------------


def _patch_fork(module: Any) -> None:
    module.os = _OsWithPlainFork("os")


class _OsWithPlainFork(ModuleType):
    """The os module, but for a fork that leaves the greenlets behind."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def fork() -> int:
        child = natives.fork()
        if not child:
            runner: Any = getcurrent()
            if runner.parent is not None:
                runner.greenlet_tree_is_root = True  # what is to reach the main greenlet reaches this one
        return child
