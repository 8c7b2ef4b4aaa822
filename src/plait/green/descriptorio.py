"""Python's file layers (raw, buffered, text) over a descriptor, where waiting parks the greenlet.

`DescriptorIO` is io.FileIO in non-blocking mode: it tries, and parks until the descriptor is ready where that would
block. Regular files are always ready and block nevertheless: their reads and writes go through the hub's thread pool.
Any number of greenlets may read or write one raw object.

The buffered and the text layer are the standard library's classes, whose calls wait as long as somebody is parked below
in a call of theirs: their own locks guard against other threads, and they raise or lose data where another greenlet of
the thread comes in during a read. So several readers of one object take turns, call by call. Who leaves wakes the first
that waits; who was woken looks again.

Closing ends the waits: who is parked in a read or a write of the object gets EBADF, and only then is the layer closed
and the descriptor given back. `readall` returns what it has by then.

A greenlet that always finds its file ready lets others run after some calls, as with sockets.

Costs: no system call more than a blocking read that finds something; one park where it has to wait. The interest of a
descriptor stays registered (see `descriptors`) where this object alone may close it, else a wait is two epoll_ctl more.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import weakref
from collections.abc import Callable
from typing import Any

from plait.green._native.io import Channel
from plait.green.hub import current, get_hub
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

_fileio_read: Any = io.FileIO.read
_fileio_readinto: Any = io.FileIO.readinto
_fileio_write: Any = io.FileIO.write

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
    protects then. sole_owner: nobody but this object will close it, directly or through `owner`.
    """

    def __init__(
        self, fd: int, mode: str = "r", closefd: bool = True, owner: Any = None, sole_owner: bool = False
    ) -> None:
        super().__init__(fd, mode, closefd)
        self.parked = 0  # greenlets in a call of this object that does not run
        self._owner = owner
        self._sticky = closefd or sole_owner
        self._waiters: list[Waiter[Any]] = []
        self._channel = Channel(fd)
        self._closer: greenlet | None = None  # who closes a layer above, and may have to wait while flushing
        self._shared = False
        kind = os.fstat(fd).st_mode
        self._in_pool = stat.S_ISREG(kind) or stat.S_ISBLK(kind)
        self._plain = not self._in_pool  # and not shared
        if self._plain:
            make_nonblocking(fd)
            hub = current()
            if hub is not None:  # the number may be that of one which was closed behind our back
                hub.descriptors.renew(fd)
        _open_files[fd] = self

    # -- reading and writing -------------------------------------------------------------------------------------

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, as soon as there are some; b"" at the end. All until the end for a negative size."""
        if size is None or size < 0:
            return self.readall()
        data: bytes | None = _fileio_read(self, size) if self._plain else None
        if data is None:
            return self._until_done(READ, _fileio_read, size)  # type: ignore[no-any-return]
        self._pay()
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fill some of buffer, as soon as there is something; returns how much, 0 at the end."""
        if self._in_pool:  # not straight into the buffer: it may be gone when a thread of the pool gets there
            data = self.read(len(memoryview(buffer).cast("B")))
            memoryview(buffer).cast("B")[: len(data)] = data
            return len(data)
        count: int | None = _fileio_readinto(self, buffer) if self._plain else None
        if count is None:
            return self._until_done(READ, _fileio_readinto, buffer)  # type: ignore[no-any-return]
        self._pay()
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
        count: int | None = _fileio_write(self, data) if self._plain else None
        if count is None:
            return self._until_done(WRITE, _fileio_write, data)  # type: ignore[no-any-return]
        self._pay()
        return count

    def share(self) -> None:
        """Give the descriptor's description back its blocking mode, for a process that gets it too.

        From now on this object looks before it reads or writes; what the other process takes away meanwhile makes it
        block the thread.
        """
        if not self._in_pool:
            os.set_blocking(self.fileno(), True)
            self._shared = True
            self._plain = False

    def _until_done(self, direction: int, attempt: Callable[[Any, Any], Any], argument: Any) -> Any:
        """What attempt(self, argument) gives when it does not block any more."""
        self.parked += 1
        try:
            if self._in_pool:
                return get_hub().threadpool.apply(attempt, (self, argument))
            while True:
                self._wait(direction)
                if (result := attempt(self, argument)) is not None:
                    return result
        finally:
            self.parked -= 1

    def _pay(self) -> None:
        """Let others run, where there were many calls that did not wait."""
        self.parked += 1
        try:
            self._channel.take_turn()
        finally:
            self.parked -= 1

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
                descriptors.remove(fd, direction, waiter, sticky=self._sticky)
        finally:
            self._waiters.remove(waiter)

    # -- closing -------------------------------------------------------------------------------------------------

    def end_waits(self) -> None:
        """Whoever waits in a read or a write of this object, or would from now on, gets EBADF there.

        Except the caller, who closes a layer above this and may have to wait until its buffer is written.
        """
        if not self._waiters:  # always so while the interpreter ends, when not even getcurrent() can be asked
            return
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


# -- the layers above ----------------------------------------------------------------------------------------------


def _one_at_a_time(*names: str) -> Callable[[type], type]:
    """Class decorator: calls of the named methods take turns."""

    def decorate(layer: type) -> type:
        for name in names:
            setattr(layer, name, _in_turn(getattr(layer, name)))
        return layer

    return decorate


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any) -> Any:
        if self._bottom.parked:
            self._wait_for_turn()
        try:
            return method(self, *args)
        finally:
            if self._queue:
                self._queue[0].wake()

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


class _Layer:
    """What the layers share: the queue for turns, and a close() that ends the waits below before it waits for its own.

    Switches happen in the raw file alone. So where nobody is parked there, nobody is inside, and one may enter.
    """

    _bottom: DescriptorIO
    _queue: list[Waiter[None]]

    def _wait_for_turn(self) -> None:
        waiter: Waiter[None] = Waiter(outside=False)
        self._queue.append(waiter)
        try:
            while self._bottom.parked:
                waiter.wait()
        except BaseException:
            self._queue.remove(waiter)
            if self._queue:  # it may have been our turn
                self._queue[0].wake()
            raise
        self._queue.remove(waiter)

    def close(self) -> None:
        self._bottom.end_waits()
        if self._bottom.parked:
            self._wait_for_turn()
        try:
            super().close()  # type: ignore[misc]
        finally:
            for waiter in self._queue:
                waiter.wake()


@_one_at_a_time("read", "read1", "readinto", "readinto1", "readline", "peek", "seek", "tell", "detach")
class BufferedReader(_Layer, io.BufferedReader):
    def __init__(self, raw: DescriptorIO, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._bottom = raw
        self._queue = []
        super().__init__(raw, buffer_size)


@_one_at_a_time("write", "flush", "truncate", "seek", "tell", "detach")
class BufferedWriter(_Layer, io.BufferedWriter):
    def __init__(self, raw: DescriptorIO, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._bottom = raw
        self._queue = []
        super().__init__(raw, buffer_size)


@_one_at_a_time(
    "read", "read1", "readinto", "readinto1", "readline", "peek", "write", "flush", "truncate", "seek", "tell", "detach"
)
class BufferedRandom(_Layer, io.BufferedRandom):
    def __init__(self, raw: DescriptorIO, buffer_size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self._bottom = raw
        self._queue = []
        super().__init__(raw, buffer_size)


@_one_at_a_time("read", "readline", "write", "flush", "truncate", "seek", "tell", "detach")
class TextIO(_Layer, io.TextIOWrapper):
    def __init__(self, buffer: Any, *args: Any, **kwargs: Any) -> None:
        self._bottom = buffer._bottom if isinstance(buffer, _Layer) else buffer
        self._queue = []
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
    return DescriptorIO(file.fileno(), file.mode, closefd=False, owner=file, sole_owner=True)
