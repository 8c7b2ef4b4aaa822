"""Python's file layers (raw, buffered, text) over a descriptor, where waiting parks the greenlet.

`DescriptorIO` is io.FileIO in non-blocking mode: it tries, and parks until the descriptor is ready where that would
block. Regular files are always ready and block nevertheless: their reads and writes go through the hub's thread pool.
Any number of greenlets may read or write one raw object.

The buffered and the text layer are the standard library's classes, with a lock around each call: theirs guard against
other threads, and raise or lose data where another greenlet of the thread comes in during a read. So several readers of
one object take turns, call by call.

Closing ends the waits: who is parked in a read or a write of the object gets EBADF, and only then is the layer closed
and the descriptor given back. `readall` returns what it has by then.

Costs: no system call more than a blocking read that finds something; two epoll_ctl and one park where it has to wait.
The interest of the descriptor is not kept registered (see `descriptors`), since pipes are often closed by others.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import weakref
from collections.abc import Callable
from typing import Any

from plait.green.hub import current, get_hub
from plait.green.lock import RLock
from plait.green.os import make_nonblocking
from plait.green.poller import READ, WRITE
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent, greenlet

__all__ = [
    "AtomicDescriptorIO",
    "BufferedRandom",
    "BufferedReader",
    "BufferedWriter",
    "DescriptorIO",
    "TextIO",
    "WriteallMixin",
    "cooperative",
    "share",
]


_PIPE_BUF_BYTES = 4096

#: Who has made a descriptor non-blocking.
_open_files: weakref.WeakValueDictionary[int, DescriptorIO] = weakref.WeakValueDictionary()


class WriteallMixin:
    """`writeall` for a raw file, whose `write` may write less than it was given."""

    __slots__ = ()

    def writeall(self, value: Any) -> int:
        """Write all of value, in as many writes as that takes. Returns its length."""
        left = memoryview(value).cast("B")
        total = len(left)
        while left:
            left = left[super().write(left) :]  # type: ignore[misc]
        return total


class DescriptorIO(io.FileIO):
    """A raw file whose waits park the greenlet.

    owner: an object that the descriptor belongs to; it is closed in place of the descriptor, which closefd=False
    protects then.
    """

    def __init__(self, fd: int, mode: str = "r", closefd: bool = True, owner: Any = None) -> None:
        super().__init__(fd, mode, closefd)
        self._owner = owner
        self._waiters: list[Waiter[Any]] = []
        self._closer: greenlet | None = None  # who closes a layer above, and may have to wait while flushing
        self._shared = False
        _open_files[fd] = self
        kind = os.fstat(fd).st_mode
        self._in_pool = stat.S_ISREG(kind) or stat.S_ISBLK(kind)
        if not self._in_pool:
            make_nonblocking(fd)

    # -- reading and writing -------------------------------------------------------------------------------------

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, as soon as there are some; b"" at the end. All until the end for a negative size."""
        if size is None or size < 0:
            return self.readall()
        data: bytes = self._until_done(READ, super().read, size)
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fill some of buffer, as soon as there is something; returns how much, 0 at the end."""
        if self._in_pool:  # not straight into the buffer: it may be gone when a thread of the pool gets there
            data = self.read(len(memoryview(buffer).cast("B")))
            memoryview(buffer).cast("B")[: len(data)] = data
            return len(data)
        count: int = self._until_done(READ, super().readinto, buffer)
        return count

    def readall(self) -> bytes:
        """All until the end, or until the file is closed by another greenlet."""
        chunks = []
        try:
            while chunk := self.read(io.DEFAULT_BUFFER_SIZE * 8):
                chunks.append(chunk)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
        return b"".join(chunks)

    def write(self, data: Any, /) -> int:
        """Write some of data, as soon as there is room; returns how much."""
        if self._shared:  # so much never blocks once there is room
            data = memoryview(data).cast("B")[:_PIPE_BUF_BYTES]
        count: int = self._until_done(WRITE, super().write, data)
        return count

    def share(self) -> None:
        """Give the descriptor's description back its blocking mode, for a process that gets it too.

        From now on this object looks before it reads or writes; what the other process takes away meanwhile makes it
        block the thread.
        """
        if not self._in_pool:
            os.set_blocking(self.fileno(), True)
            self._shared = True

    def _until_done(self, direction: int, attempt: Callable[[Any], Any], argument: Any) -> Any:
        if self._in_pool:
            return _call_in_pool(attempt, argument)
        if self._shared:
            self._wait(direction)
        while (result := attempt(argument)) is None:  # would block
            self._wait(direction)
        return result

    def _wait(self, direction: int) -> None:
        if self._closer is not None and getcurrent() is not self._closer:
            raise _closed_meanwhile()
        fd = self.fileno()
        descriptors = get_hub().descriptors
        waiter: Waiter[Any] = Waiter(outside=False, subject=self)
        self._waiters.append(waiter)
        try:
            descriptors.add(fd, direction, waiter)
            try:
                waiter.wait()
            finally:
                descriptors.remove(fd, direction, waiter, sticky=False)
        finally:
            self._waiters.remove(waiter)

    # -- closing -------------------------------------------------------------------------------------------------

    def end_waits(self) -> None:
        """Whoever waits in a read or a write of this object, or would from now on, gets EBADF there.

        Except the caller, who closes a layer above this and may have to wait until its buffer is written.
        """
        self._closer = getcurrent()
        for waiter in tuple(self._waiters):
            waiter.throw(_closed_meanwhile())

    def close(self) -> None:
        if self.closed:
            return
        self.end_waits()
        if _open_files.get(self.fileno()) is self:
            del _open_files[self.fileno()]
        owner, self._owner = getattr(self, "_owner", None), None
        hub = current()
        if hub is not None and (self.closefd or owner is not None):
            hub.descriptors.closing(self.fileno())
        try:
            super().close()
        finally:
            if owner is not None:
                owner.close()


def _closed_meanwhile() -> OSError:
    return OSError(errno.EBADF, f"{os.strerror(errno.EBADF)}: the file was closed by another greenlet")


class AtomicDescriptorIO(WriteallMixin, DescriptorIO):
    """A raw file whose `write` writes all."""

    def write(self, data: Any, /) -> int:
        return self.writeall(data)


def _call_in_pool(function: Callable[..., Any], *args: Any) -> Any:
    return get_hub().threadpool.apply(function, args)


# -- the layers above ----------------------------------------------------------------------------------------------


def _one_at_a_time(*names: str) -> Callable[[type], type]:
    """Class decorator: calls of the named methods wait for each other. Reentrant: the methods call one another."""

    def decorate(layer: type) -> type:
        for name in names:
            setattr(layer, name, _locked(getattr(layer, name)))
        return layer

    return decorate


def _locked(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        lock = self._turn
        lock.acquire()
        try:
            return method(self, *args, **kwargs)
        finally:
            lock.release()

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


class _Layer:
    """What the layers share: the lock, and a close() that ends the waits below before it waits for its turn."""

    _turn: RLock

    def close(self) -> None:
        below = getattr(self, "buffer", None) or self  # of a text layer
        raw = getattr(below, "raw", None)
        if isinstance(raw, DescriptorIO):
            raw.end_waits()
        with self._turn:
            super().close()  # type: ignore[misc]


@_one_at_a_time("read", "read1", "readinto", "readinto1", "readline", "peek", "seek", "tell", "detach")
class BufferedReader(_Layer, io.BufferedReader):
    def __init__(self, raw: Any, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._turn = RLock()
        super().__init__(raw, buffer_size)


@_one_at_a_time("write", "flush", "truncate", "seek", "tell", "detach")
class BufferedWriter(_Layer, io.BufferedWriter):
    def __init__(self, raw: Any, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._turn = RLock()
        super().__init__(raw, buffer_size)


@_one_at_a_time(
    "read", "read1", "readinto", "readinto1", "readline", "peek", "write", "flush", "truncate", "seek", "tell", "detach"
)
class BufferedRandom(_Layer, io.BufferedRandom):
    def __init__(self, raw: Any, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._turn = RLock()
        super().__init__(raw, buffer_size)


@_one_at_a_time("read", "readline", "write", "flush", "truncate", "seek", "tell", "detach", "reconfigure")
class TextIO(_Layer, io.TextIOWrapper):
    def __init__(self, buffer: Any, *args: Any, **kwargs: Any) -> None:
        self._turn = RLock()
        super().__init__(buffer, *args, **kwargs)


def share(file: Any) -> None:
    """Another process gets this file, or descriptor, too: see `DescriptorIO.share`. Nothing for others' files."""
    raw = _open_files.get(file if isinstance(file, int) else file.fileno())
    if raw is not None:
        raw.share()


def cooperative(file: Any, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> Any:
    """What io.open() made of a descriptor, all of its layers replaced; `file` itself is of no use afterwards."""
    if isinstance(file, io.TextIOWrapper):
        settings = {
            "encoding": file.encoding,
            "errors": file.errors,
            "line_buffering": file.line_buffering,
            "write_through": file.write_through,
        }
        return TextIO(cooperative(file.detach(), buffer_size), **settings)
    if isinstance(file, io.BufferedWriter):
        return BufferedWriter(cooperative(file.detach()), buffer_size)
    if isinstance(file, io.BufferedReader):
        return BufferedReader(cooperative(file.detach()), buffer_size)
    return DescriptorIO(file.fileno(), file.mode, closefd=False, owner=file)
