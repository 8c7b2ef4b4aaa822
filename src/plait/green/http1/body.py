"""Input: the body of a request, as WSGI's `wsgi.input`.

A body has a length, or comes in chunks, or is not there. Reading ends where it ends, so that the next request stays in
the file below. Nothing is received before it is asked for; then `100 Continue` is sent first where the client waits
for it.

A chunk's size line is taken strictly: hexadecimal digits, then nothing or an extension, then CR LF. Extensions and
trailers are skipped; their sizes are bounded, and no trailer may speak of framing. Source: RFC 9112, section 7.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from plait.green.http1.errors import InvalidClientInput

__all__ = ["CONTINUE", "Input"]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MOST_LINE_BYTES = 8192  # of a chunk's size with its extension, and of a trailer
MOST_TRAILERS = 100

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?\r\n")
# A trailer that speaks of framing would be a second opinion on where the body ends.
_TRAILER = re.compile(
    rb"(?!(?i:content-length|transfer-encoding)\s*:)[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n"
)


class Input:
    """The body that follows in `rfile`, a binary file.

    content_length: bytes, None where the request names none. socket: where to send `100 Continue` before the first
    read; None where the client does not wait for it. most: bytes that a chunked body may have.
    Raises OSError where the body ends early, and InvalidClientInput where its framing is wrong.
    """

    __slots__ = (
        "_broken",
        "_left",
        "_most",
        "chunked_input",
        "content_length",
        "ended",
        "position",
        "rfile",
        "send_100_continue_enabled",
        "socket",
    )

    def __init__(
        self,
        rfile: Any,
        content_length: int | None,
        socket: Any = None,
        chunked_input: bool = False,
        most: int | None = None,
    ) -> None:
        self.rfile = rfile
        self.content_length = content_length
        self.socket = socket
        self.chunked_input = chunked_input
        self.send_100_continue_enabled = True
        self.position = 0  # bytes of the body that were read
        self.ended = not chunked_input and not content_length
        self._left = 0  # of the chunk
        self._most = most
        self._broken = False  # nobody knows where in the framing we are

    # -- a file's calls ------------------------------------------------------------------------------------------

    def read(self, length: int | None = None) -> bytes:
        """length bytes, fewer only at the end of the body; all that is left where it is negative or None."""
        if self.ended:
            return b""
        if length is not None and length < 0:
            length = None
        if self.chunked_input:
            return self._read_chunks(length, self.rfile.read, line=False)
        return self._read_sized(length, self.rfile.read, line=False)

    def readline(self, size: int | None = None) -> bytes:
        """Up to and with a line feed; at most size bytes; b"" at the end of the body."""
        if self.ended:
            return b""
        if size is not None and size < 0:
            size = None
        if self.chunked_input:
            return self._read_chunks(size, self.rfile.readline, line=True)
        return self._read_sized(size, self.rfile.readline, line=True)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """All lines; with a hint, no more once they have so many bytes."""
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    # -- for the handler -----------------------------------------------------------------------------------------

    def discard(self, most: int) -> bool:
        """Read what the application did not, at most so many bytes; whether the next request can follow."""
        if self._broken:
            return False
        if not self.ended:
            if not self.chunked_input and (self.content_length or 0) - self.position > most:
                return False
            self.send_100_continue_enabled = False
            try:
                while most > 0 and (data := self.read(16384)):
                    most -= len(data)
            finally:
                self.send_100_continue_enabled = True
        return self.ended

    # -- of a length ---------------------------------------------------------------------------------------------

    def _read_sized(self, length: int | None, reader: Callable[[int], bytes], line: bool) -> bytes:
        assert self.content_length is not None
        self._say_continue()
        left = self.content_length - self.position
        wanted = left if length is None or length > left else length
        if not wanted:
            return b""
        data = reader(wanted)
        self.position += len(data)
        if len(data) < wanted and not (line and data.endswith(b"\n")):
            self._broken = True
            raise OSError(f"unexpected end of file while reading request at position {self.position}")
        self.ended = self.position == self.content_length
        return data

    def _say_continue(self) -> None:
        if self.socket is not None and self.send_100_continue_enabled:
            socket, self.socket = self.socket, None
            socket.sendall(CONTINUE)

    # -- in chunks -----------------------------------------------------------------------------------------------

    def _read_chunks(self, length: int | None, reader: Callable[[int], bytes], line: bool) -> bytes:
        if self._broken:
            raise InvalidClientInput("the chunked body was found broken before")
        self._say_continue()
        pieces: list[bytes] = []
        while length is None or length > 0:
            if not self._left and not self._next_chunk():
                break
            data = reader(self._left if length is None else min(self._left, length))
            if not data:
                self._broken = True
                raise OSError("unexpected end of file while parsing chunked data")
            pieces.append(data)
            self._took(len(data))
            if length is not None:
                length -= len(data)
            if line and data.endswith(b"\n"):
                break
        return b"".join(pieces)

    def _took(self, size: int) -> None:
        self.position += size
        self._left -= size
        if not self._left and (found := self.rfile.read(2)) != b"\r\n":
            raise self._wrong(f"chunk data is followed by {found!r}, not by CR LF")

    def _next_chunk(self) -> bool:
        """Read a size line; False where it was the last chunk's, and the trailers are read too."""
        text: bytes = self.rfile.readline(MOST_LINE_BYTES)
        match = _SIZE_LINE.fullmatch(text)
        if match is None:
            raise self._wrong(f"{text[:40]!r} is no size of a chunk")
        self._left = int(match[1], 16)
        if self._most is not None and self.position + self._left > self._most:
            raise self._wrong(f"the body has more than {self._most} bytes", "413 Content Too Large")
        if not self._left:
            self._skip_trailers()
            self.ended = True
        return not self.ended

    def _skip_trailers(self) -> None:
        for _ in range(MOST_TRAILERS):
            text: bytes = self.rfile.readline(MOST_LINE_BYTES)
            if text == b"\r\n":
                return
            if not _TRAILER.fullmatch(text):
                raise self._wrong(f"{text[:40]!r} is no trailer")
        raise self._wrong(f"more than {MOST_TRAILERS} trailers")

    def _wrong(self, message: str, status: str = "400 Bad Request") -> InvalidClientInput:
        self._broken = True
        self._left = 0
        return InvalidClientInput(message, status)
