"""Heads of requests: taken from a stream, parsed by llhttp, and judged.

A head is all up to and with the first empty line. It is looked for as bytes, which is quick and keeps whatever follows
(a body, the next request, another protocol after an upgrade) out of the parser; then the parser gets it whole. A head
that comes in pieces is meanwhile fed to a second parser, a probe, so that garbage is answered at once.

What llhttp lets pass and we do not, since another server on the way may read it differently: versions other than 1.0
and 1.1, two Host fields, a transfer coding other than `chunked`, or one in HTTP/1.0. Fields with `_` in their names are
dropped: they would be taken for the ones with `-`. A field that goes on in the next line is joined by a space, as the
standard asks; llhttp alone would refuse it.

Cost: a native call a field (see `_native/http.pyx`). A parser serves all requests of its connection until one has a
body or ends the connection.
Source: RFC 9112, sections 2 to 7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from plait.green._native.http import Head, HeadReader
from plait.green._native.http import fields_of as fields_of
from plait.green.http1.errors import ClientTooSlow, InvalidClientRequest, ServerStops

if TYPE_CHECKING:
    from plait.green.http1.stream import Stream

try:
    from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
except ModuleNotFoundError as error:
    if error.name != "httptools":
        raise
    raise ModuleNotFoundError(
        "plait.green.pywsgi parses HTTP with the httptools package, which is not installed; "
        "install it with: pip install 'plait[http]'",
        name="httptools",
    ) from None

__all__ = ["Head", "HeadLimits", "HeadParser", "fields_of", "path_info", "read_head", "read_rest"]

_FOLD = re.compile(rb"\r\n[ \t]+")

BAD_REQUEST = "400 Bad Request"
TIMED_OUT = "408 Request Timeout"
URI_TOO_LONG = "414 URI Too Long"
FIELDS_TOO_LARGE = "431 Request Header Fields Too Large"


class HeadLimits:
    """line_bytes: of the request line. head_bytes: of the whole head. fields: how many."""

    __slots__ = ("fields", "head_bytes", "line_bytes")

    def __init__(self, line_bytes: int = 8192, head_bytes: int = 65536, fields: int = 100) -> None:
        self.line_bytes = line_bytes
        self.head_bytes = head_bytes
        self.fields = fields


class HeadParser(HeadReader):
    """Parses the heads of one connection, one after the other."""

    def __init__(self) -> None:
        super().__init__(HttpRequestParser, HttpParserUpgrade)

    def parse(self, raw: bytes, limits: HeadLimits) -> Head:
        """The head that `raw` is, empty line included. Raises InvalidClientRequest."""
        try:
            return self.parse_strictly(raw, limits.fields)
        except (HttpParserError, InvalidClientRequest) as error:
            return self.reconsider(raw, limits, error)

    def reconsider(self, raw: bytes, limits: HeadLimits, error: Exception) -> Head:
        """What `raw` is although parse_strictly() raised error: one with folded fields."""
        self.restart()
        if not isinstance(error, HttpParserError):
            raise error
        lines = raw.find(b"\r\n") + 2
        if not _FOLD.search(raw, lines):
            raise _invalid(error, raw) from None
        return self.parse(raw[:lines] + _FOLD.sub(b" ", raw[lines:]), limits)


def path_info(target: str) -> str:
    """The path of a request's target, its escapes resolved."""
    path = target.partition("?")[0]
    if path[:1] != "/" and "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]  # the whole URL, as it is sent to proxies
    return unquote_to_bytes(path).decode("latin-1") if "%" in path else path


def _invalid(error: Exception, raw: bytes) -> InvalidClientRequest:
    line = raw[: raw.find(b"\r\n")] if b"\r\n" in raw else raw
    return InvalidClientRequest(f"Invalid request: {error}: {line[:200].decode('latin-1')!r}")


# -- reading -------------------------------------------------------------------------------------------------------


def read_head(stream: Stream, limits: HeadLimits, patience: int | None) -> bytes:
    """The next head of the stream, empty line included; b"" where the client has left before it, or stays silent.

    patience: ticks from its first byte to its last. Raises InvalidClientRequest.
    """
    try:
        raw = stream.quick_head(limits.line_bytes)
    except ClientTooSlow:
        return b""
    except ServerStops:
        stream.give_back(stream.last_look())
    else:
        if raw:
            return raw
    return read_rest(stream, limits, patience)


def read_rest(stream: Stream, limits: HeadLimits, patience: int | None) -> bytes:
    """As read_head, of a head that comes in pieces, is long, or has empty lines before it."""
    first = stream.taken()
    data = bytearray(first.lstrip(b"\r\n"))
    due = stream.due_in(patience)
    probe = HttpRequestParser(_NoFields)
    fed = 0
    while first:
        end = data.find(b"\r\n\r\n", max(0, fed - 3)) + 4
        _check_size(data, end if end >= 4 else len(data), limits)
        if end >= 4:
            stream.give_back(bytes(data), end)
            return bytes(data[:end])
        _feed_probe(probe, data, fed)
        fed = len(data)
        try:
            first = stream.receive(due)
        except ClientTooSlow:
            raise InvalidClientRequest("Invalid request: its head took too long", TIMED_OUT) from None
        data += first if data else first.lstrip(b"\r\n")
    return b""


class _NoFields:
    """What a probe calls: nothing."""


def _feed_probe(probe: Any, data: bytearray, fed: int) -> None:
    try:
        probe.feed_data(bytes(data[fed:]))
    except HttpParserUpgrade:
        pass
    except HttpParserError as error:
        if not _FOLD.search(data):  # else parse() judges it, when it is whole
            raise _invalid(error, bytes(data)) from None


def _check_size(data: bytearray, size: int, limits: HeadLimits) -> None:
    line = data.find(b"\n", 0, limits.line_bytes) + 1
    if not line and size >= limits.line_bytes:
        raise InvalidClientRequest("Invalid request: its first line is too long", URI_TOO_LONG)
    if size > limits.head_bytes:
        raise InvalidClientRequest("Invalid request: its header fields are too large", FIELDS_TOO_LARGE)
