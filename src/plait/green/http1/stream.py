"""The bytes of one connection, and the patience with its client.

A Stream is what handlers call `rfile`: bytes received and not yet taken, and the calls of a buffered binary file on
them. Each receive takes what the kernel has, so that one serves a whole request, or several.

Patience: a client that is waited for has until `due`, a tick of the server's Watch. The watch looks at all of its
streams once a tick and throws ClientTooSlow where one is overdue. So a request starts and cancels no timer and asks no
clock; it stores a number before each wait. Time is thus as coarse as the tick: a client gets up to two ticks more,
never less.

One greenlet at a time waits in a stream. It writes `due` and `runner`; the watch runs in the hub, between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from plait._base import clock
from plait.green.http1.errors import ClientTooSlow, ServerStops
from plait.green.hub import Timer, get_hub
from plait.green.timeout import throw_into
from plait.greenlet import getcurrent, greenlet

__all__ = ["FOR_EVER", "Stream", "Watch"]

RECEIVE_BYTES = 65536
SEND_BYTES = 65536
FOR_EVER = 0  # a `due` that never is


class Watch:
    """Whose streams are looked at once a tick; the timer runs while there are any."""

    tick_seconds = 1.0

    def __init__(self) -> None:
        self.tick = 1  # so that no `due` is FOR_EVER by chance
        self.stopping = False  # whether each connection is to end with the request it has
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
        self._timer = None
        for stream in tuple(self._streams):
            if FOR_EVER < stream.due <= self.tick:
                stream.interrupt(ClientTooSlow("the client was too slow"))
        if self._streams:
            self._start()


class _Raw:
    """What lies under a buffered file of the standard library's: libraries that take a connection over look here."""

    __slots__ = ("_sock",)

    def __init__(self, sock: Any) -> None:
        self._sock = sock


class Stream:
    """Received bytes of `sock`, as a buffered binary file that is only read.

    patience: ticks that one wait for the client may take; None waits for ever.
    idle: whether it waits for the first byte of a request.
    """

    __slots__ = ("_at", "_data", "_watch", "closed", "due", "idle", "patience", "runner", "sock")

    def __init__(self, sock: Any, watch: Watch) -> None:
        self.sock = sock
        self.closed = False
        self.patience: int | None = None
        self.due = FOR_EVER
        self.idle = False
        self.runner: greenlet | None = None  # who waits, while due or idle
        self._watch = watch
        self._data: bytes = b""
        self._at = 0  # what was taken; _data[_at:] is left

    # -- for the parser of heads ---------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """How many bytes were received and not taken."""
        return len(self._data) - self._at

    def take(self) -> bytes:
        """All that was received; waits where there is nothing. b"" at the end."""
        data = self._data
        if not data:
            return self._receive(self.patience)
        at = self._at
        self._data = b""
        self._at = 0
        return data[at:] if at else data

    def give_back(self, data: bytes, at: int = 0) -> None:
        """The rest of what take() returned, to be read next. Nothing else is buffered."""
        self._data = data if at < len(data) else b""
        self._at = at if at < len(data) else 0

    def more(self, due: int) -> bytes:
        """Wait for bytes beyond those that were taken, until the tick `due`."""
        return self._receive_until(due)

    def due_in(self, ticks: int | None) -> int:
        """The tick that is `ticks` from now."""
        return FOR_EVER if ticks is None else self._watch.tick + ticks

    # -- waiting -------------------------------------------------------------------------------------------------

    def _receive(self, patience: int | None) -> bytes:
        return self._receive_until(FOR_EVER if patience is None else self._watch.tick + patience)

    def _receive_until(self, due: int) -> bytes:
        self.runner = getcurrent()
        self.due = due
        try:
            data: bytes = self.sock.recv(RECEIVE_BYTES)
        finally:
            self.due = FOR_EVER
        return data

    def last_look(self) -> bytes:
        """What has come by now, without waiting."""
        limit = self.sock.gettimeout()
        self.sock.settimeout(0.0)
        try:
            data: bytes = self.sock.recv(RECEIVE_BYTES)
        except OSError:
            return b""
        finally:
            self.sock.settimeout(limit)
        return data

    def send(self, sock: Any, data: Any) -> None:
        """Send all of data to the client, by `sock`; the patience is for each SEND_BYTES."""
        self.runner = getcurrent()
        patience = self.patience
        try:
            if len(data) <= SEND_BYTES:
                self.due = FOR_EVER if patience is None else self._watch.tick + patience
                sock.sendall(data)
                return
            with memoryview(data) as items, items.cast("B") as view:
                for at in range(0, len(view), SEND_BYTES):
                    self.due = FOR_EVER if patience is None else self._watch.tick + patience
                    sock.sendall(view[at : at + SEND_BYTES])
        finally:
            self.due = FOR_EVER

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
        self._data = b""
        self._at = 0

    def peek(self, size: int = 0) -> bytes:
        """What is buffered, after one receive where nothing is."""
        if not self._data:
            self._data = self._receive(self.patience)
        return self._data[self._at :]

    def read(self, size: int | None = -1) -> bytes:
        """size bytes, fewer only at the end; all up to the end where size is negative."""
        if size is None or size < 0:
            return self._read_all()
        data, at = self._data, self._at
        end = at + size
        if end < len(data):
            self._at = end
            return data[at:end]
        return self._read_beyond(size)

    def _read_beyond(self, size: int) -> bytes:
        data = self._taken()
        if len(data) == size:
            return data
        pieces = [data]
        left = size - len(data)
        while left > 0:
            data = self._receive(self.patience)
            if not data:
                break
            if len(data) > left:
                self.give_back(data, left)
                data = data[:left]
            pieces.append(data)
            left -= len(data)
        return b"".join(pieces)

    def _read_all(self) -> bytes:
        pieces = [self._taken()]
        while data := self._receive(self.patience):
            pieces.append(data)
        return b"".join(pieces)

    def read1(self, size: int = -1) -> bytes:
        """Up to size bytes, after at most one receive."""
        data = self.peek()
        if size < 0 or size >= len(data):
            return self._taken()
        self._at += size
        return data[:size]

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

    def readline(self, size: int | None = -1) -> bytes:
        """Up to and with a line feed; at most size bytes; without the line feed at the end."""
        most = math.inf if size is None or size < 0 else size
        data, at = self._data, self._at
        end = data.find(b"\n", at) + 1
        if end and end - at <= most:
            if end == len(data):
                return self._taken()
            self._at = end
            return data[at:end]
        return self._readline_beyond(most)

    def _readline_beyond(self, most: float) -> bytes:
        pieces: list[bytes] = []
        got = 0
        data = self._taken() or self._receive(self.patience)
        while data:
            end = data.find(b"\n") + 1 or len(data)
            end = int(min(end, most - got))
            pieces.append(data[:end])
            got += end
            if got >= most or data[end - 1 : end] == b"\n":
                self.give_back(data, end)
                break
            data = self._receive(self.patience)
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

    def _taken(self) -> bytes:
        """All that is buffered, no longer buffered."""
        data, at = self._data, self._at
        self._data = b""
        self._at = 0
        return data[at:] if at else data
