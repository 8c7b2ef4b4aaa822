"""The bytes of one connection, and the patience with its client.

A Stream is what handlers call `rfile`: bytes received and not yet taken, and the calls of a buffered binary file on
them. Each receive takes what the kernel has, so that one serves a whole request, or several.

Patience: a client that is waited for has until `due`, a tick of the server's Watch. The watch looks at all of its
streams once a tick and throws ClientTooSlow where one is overdue. So a request starts and cancels no timer and asks no
clock; it stores a number before each wait. Time is thus as coarse as the tick: a client gets up to two ticks more,
never less.

One greenlet at a time waits in a stream. It writes `due` and `runner`; the watch runs in the hub, between. What runs
for each request is native, in `_native/stream.pyx`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from plait._base import clock
from plait.green._native.stream import StreamCore, WatchCore
from plait.green.http1.errors import ClientTooSlow, ServerStops
from plait.green.hub import Timer, get_hub
from plait.green.timeout import throw_into

__all__ = ["Stream", "Watch"]

LAST_BYTES = 65536


class Watch(WatchCore):
    """Whose streams are looked at once a tick; the timer runs while there are any."""

    tick_seconds = 1.0

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._timer: Timer | None = None

    def ticks(self, seconds: float | None) -> int | None:
        """Ticks after which `seconds` have surely passed; None for None."""
        return None if seconds is None else math.ceil(seconds / self.tick_seconds) + 1

    def add(self, stream: Stream) -> None:
        self._streams.add(stream)
        if self._timer is None:
            self._start()

    def remove(self, stream: Stream) -> None:
        self._streams.discard(stream)
        if not self._streams and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end_idle(self) -> None:
        """Soon raise ServerStops in those that wait for a request of which nothing has come."""
        hub = get_hub()
        for stream in tuple(self._streams):
            if stream.idle:
                hub.run_callback(self._end, stream)

    def _end(self, stream: Stream) -> None:
        if stream.idle:
            stream.interrupt(ServerStops("the server stops"))

    def _start(self) -> None:
        self._timer = get_hub().call_at(clock.now() + self.tick_seconds, self._look, keeps_alive=False)

    def _look(self) -> None:
        self.tick += 1
        self._start()  # before an interrupt that fails
        for stream in tuple(self._streams):
            if 0 < stream.due <= self.tick:
                stream.interrupt(ClientTooSlow("the client was too slow"))


class _Raw:
    """What lies under a buffered file of the standard library's: libraries that take a connection over look here."""

    __slots__ = ("_sock",)

    def __init__(self, sock: Any) -> None:
        self._sock = sock


class Stream(StreamCore):
    """Received bytes of `sock`, as a buffered binary file that is only read.

    patience: ticks that one wait for the client may take; None waits for ever. For readers of heads: quick_head() takes
    one that comes whole; taken(), give_back() and receive() are for the others.
    """

    def last_look(self) -> bytes:
        """What has come by now, without waiting."""
        limit = self.sock.gettimeout()
        self.sock.settimeout(0.0)
        try:
            data: bytes = self.sock.recv(LAST_BYTES)
        except OSError:
            return b""
        finally:
            self.sock.settimeout(limit)
        return data

    def interrupt(self, exception: Exception) -> None:
        """Raise exception where the stream waits. In the hub."""
        if self.runner is not None:
            throw_into(self.runner, exception)

    # -- a file's calls ------------------------------------------------------------------------------------------

    @property
    def raw(self) -> _Raw:
        return _Raw(self.sock)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.sock.fileno()  # type: ignore[no-any-return]

    def close(self) -> None:
        self.closed = True
        self.taken()

    def peek(self, size: int = 0) -> bytes:
        """What is buffered, after one receive where nothing is."""
        data = self.taken() or self._more()
        self.give_back(data)
        return data

    def read_beyond(self, size: int) -> bytes:
        """read() of what is not all buffered."""
        data = self.taken()
        if len(data) == size:
            return data
        pieces = [data]
        left = size - len(data)
        while left > 0:
            data = self._more()
            if not data:
                break
            if len(data) > left:
                self.give_back(data, left)
                data = data[:left]
            pieces.append(data)
            left -= len(data)
        return b"".join(pieces)

    def read_all(self) -> bytes:
        """read() up to the end."""
        pieces = [self.taken()]
        while data := self._more():
            pieces.append(data)
        return b"".join(pieces)

    def read1(self, size: int = -1) -> bytes:
        """Up to size bytes, after at most one receive."""
        data = self.taken() or self._more()
        if 0 <= size < len(data):
            self.give_back(data, size)
            return data[:size]
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill buffer, short only at the end; how many bytes."""
        with memoryview(buffer) as view, view.cast("B") as into:
            data = self.read(len(into))
            into[: len(data)] = data
        return len(data)

    def readinto1(self, buffer: Any) -> int:
        """As readinto, after at most one receive."""
        with memoryview(buffer) as view, view.cast("B") as into:
            data = self.read1(len(into))
            into[: len(data)] = data
        return len(data)

    def readline_beyond(self, size: int) -> bytes:
        """readline() of what is not all buffered."""
        most = math.inf if size < 0 else size
        pieces: list[bytes] = []
        got = 0
        data = self.taken() or self._more()
        while data:
            end = data.find(b"\n") + 1 or len(data)
            end = int(min(end, most - got))
            pieces.append(data[:end])
            got += end
            if got >= most or data[end - 1 : end] == b"\n":
                self.give_back(data, end)
                break
            data = self._more()
        return b"".join(pieces)

    def readlines(self, hint: int = -1) -> list[bytes]:
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def _more(self) -> bytes:
        return self.receive(self.due_in(self.patience))
