"""multiprocessing, made to let other greenlets run: its pipes, its semaphores, its forks.

Its queues, pools and the ProcessPoolExecutor are built of these, and of threads, which are greenlets where
those are patched. Each `adapt_*` takes the module of multiprocessing that it is named after; `monkey.patch_subprocess`
calls it when that module is there.

- A connection waits until its descriptor is ready, then reads or writes. The descriptor stays in blocking mode, since
  other processes share it; so it is never asked for more than it has room for.
- A semaphore between processes can be tried, and not be waited for but by blocking the thread. So it is tried again: at
  once when this process releases it, else after a growing pause. A recursive one knows threads as owners, and gets a
  lock of greenlets on top.
- A child of multiprocessing runs one function. It starts with the greenlet that forked it and no other (`os.fork`
  would, patched, let all go on in both, and the child's read what the parent's wait for).

Without a hub everything blocks as it always did. Costs: a poll before each read and each 4 KiB written; a semaphore
that another process holds is had up to MAX_PAUSE_S late.
"""

from __future__ import annotations

import gc
import io
import os
import select
from collections.abc import Callable
from typing import Any

from plait._base import clock, natives
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import started
from plait.green.lock import RLock
from plait.green.poller import READ, WRITE
from plait.green.timeout import deadline_after
from plait.green.waiter import Waiter
from plait.green.waits import wait_any, wait_for

__all__ = ["adapt_connection", "adapt_popen_fork", "adapt_synchronize"]

#: How much a pipe that is ready for writing takes without blocking.
ROOM_BYTES = 4096
#: Between two looks at a semaphore that another process holds.
FIRST_PAUSE_S = 0.0005
MAX_PAUSE_S = 0.02

_read = os.read
_write = os.write
_RECURSIVE = 0  # the kind of semaphore that multiprocessing.RLock is


# -- connections ---------------------------------------------------------------------------------------------------


def adapt_connection(module: Any) -> None:
    module.Connection._recv = _receive
    module.Connection._send = _send
    module._ConnectionBase.__init__ = _blocking(module._ConnectionBase.__init__)
    module._WaitSelector = _Readers


def _receive(connection: Any, size: int, read: Callable[[int, int], bytes] = _read) -> io.BytesIO:
    """Connection._recv: a buffer, at its end, of `size` bytes."""
    fd = connection._handle
    buffer = io.BytesIO()
    while (missing := size - buffer.tell()) > 0:
        if started():
            wait_for(fd, READ, None, sticky=False)
        data = read(fd, missing)
        if not data:
            raise OSError("got end of file during message") if buffer.tell() else EOFError
        buffer.write(data)
    return buffer


def _send(connection: Any, data: Any, write: Callable[[int, Any], int] = _write) -> None:
    """Connection._send: all of data."""
    left = memoryview(data).cast("B")
    while left:
        if started():
            wait_for(connection._handle, WRITE, None, sticky=False)
            left = left[write(connection._handle, left[:ROOM_BYTES]) :]
        else:
            left = left[write(connection._handle, left) :]


def _blocking(initialise: Callable[..., None]) -> Callable[..., None]:
    """Connections are made of sockets too, which patched ones keep in non-blocking mode."""

    def initialise_blocking(connection: Any, handle: Any, *args: Any, **kwargs: Any) -> None:
        initialise(connection, handle, *args, **kwargs)
        try:
            os.set_blocking(connection._handle, True)
        except OSError:  # not open: whoever uses it is told
            pass

    return initialise_blocking


class _Key:
    def __init__(self, fileobj: Any, fd: int) -> None:
        self.fileobj = fileobj
        self.fd = fd


class _Readers:
    """What `multiprocessing.connection.wait` asks of a selector: who of many has something to read."""

    def __init__(self) -> None:
        self._poll = natives.poll()
        self._keys: dict[int, _Key] = {}

    def __enter__(self) -> _Readers:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._keys.clear()

    def register(self, fileobj: Any, events: int) -> None:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} (descriptor {fd}) is registered already")
        self._keys[fd] = _Key(fileobj, fd)
        self._poll.register(fd, select.POLLIN)

    def select(self, timeout: float | None = None) -> list[tuple[_Key, int]]:
        if started() and (timeout is None or timeout > 0):
            wait_any([(fd, READ) for fd in self._keys], deadline_after(timeout))
            timeout = 0
        limit_ms = None if timeout is None else max(0.0, timeout) * 1e3
        return [(self._keys[fd], READ) for fd, _events in self._poll.poll(limit_ms)]


# -- semaphores ----------------------------------------------------------------------------------------------------


def adapt_synchronize(module: Any) -> None:
    module.SemLock._make_methods = _make_methods
    module.SemLock.__enter__ = lambda lock: lock.acquire()
    module.SemLock.__exit__ = lambda lock, *exc_info: lock.release()
    for found in gc.get_objects():
        if isinstance(found, module.SemLock):  # made before
            _make_methods(found)


def _make_methods(lock: Any) -> None:
    gate = _Gate(lock._semlock)
    lock.acquire = gate.acquire
    lock.release = gate.release


class _Gate:
    """acquire and release of one semaphore between processes, for the greenlets of this one."""

    def __init__(self, semaphore: Any) -> None:
        self._semaphore = semaphore
        self._start_over()

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._owner = RLock() if self._semaphore.kind == _RECURSIVE else None
        self._waiters: list[Waiter[None]] = []

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        if self._process != os.getpid():  # whoever waited, or owned, did so in the parent
            self._start_over()
        if self._owner is None:
            return self._take(block, timeout)
        if not self._owner.acquire(block, timeout if block else None):
            return False
        taken = False
        try:
            taken = self._take(block, timeout)
        finally:
            if not taken:
                self._owner.release()
        return taken

    def release(self) -> None:
        self._semaphore.release()
        if self._owner is not None:
            self._owner.release()
        if self._waiters:
            self._waiters[0].wake()

    def _take(self, block: bool, timeout: float | None) -> bool:
        if not started() or not block:
            return bool(self._semaphore.acquire(block, timeout))
        deadline = deadline_after(timeout)
        pause = FIRST_PAUSE_S
        while not self._semaphore.acquire(False):
            look = clock.now() + pause
            if deadline is not None and clock.now() >= deadline:
                return False
            self._wait_for_release(look if deadline is None else min(look, deadline))
            pause = min(pause * 2, MAX_PAUSE_S)
        return True

    def _wait_for_release(self, deadline: float) -> None:
        waiter: Waiter[None] = Waiter()
        self._waiters.append(waiter)
        try:
            waiter.wait(deadline)
        except DeadlineExceeded:
            pass
        finally:
            self._waiters.remove(waiter)


# -- forks ---------------------------------------------------------------------------------------------------------


def adapt_popen_fork(module: Any) -> None:
    module.os = _OsThatForksOneGreenlet()


class _OsThatForksOneGreenlet:
    """os, whose fork is the interpreter's own, patched or not."""

    fork = staticmethod(natives.fork)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)
