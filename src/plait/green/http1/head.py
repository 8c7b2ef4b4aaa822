"""Heads of requests: taken from a stream, parsed by llhttp, and judged.

A head is all up to and with the first empty line. It is looked for as bytes, which is quick and keeps whatever follows
(a body, the next request, another protocol after an upgrade) out of the parser; then the parser gets it whole. A head
that comes in pieces is meanwhile fed to a second parser, a probe, so that garbage is answered at once.

What llhttp lets pass and we do not, since another server on the way may read it differently: versions other than 1.0
and 1.1, two Host fields, a transfer coding other than `chunked`, or one in HTTP/1.0. Fields with `_` in their names are
dropped: they would be taken for the ones with `-`. A field that goes on in the next line is joined by a space, as the
standard asks; llhttp alone would refuse it.

Cost: a call a field. A parser serves all requests of its connection until one has a body or ends the connection.
Source: RFC 9112, sections 2 to 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

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

__all__ = ["Head", "HeadLimits", "HeadParser", "read_head"]

_FOLD = re.compile(rb"\r\n[ \t]+")
_JOINED_BY_SEMICOLON = frozenset({"HTTP_COOKIE"})
_MOST_KEYS = 1000  # names that are remembered; clients choose them
_UNNAMED = {"CONTENT_TYPE", "CONTENT_LENGTH"}  # the fields that have no HTTP_ before them

BAD_REQUEST = "400 Bad Request"
TIMED_OUT = "408 Request Timeout"
URI_TOO_LONG = "414 URI Too Long"
FIELDS_TOO_LARGE = "431 Request Header Fields Too Large"
NOT_IMPLEMENTED = "501 Not Implemented"


class HeadLimits:
    """line_bytes: of the request line. head_bytes: of the whole head. fields: how many."""

    __slots__ = ("fields", "head_bytes", "line_bytes")

    def __init__(self, line_bytes: int = 8192, head_bytes: int = 65536, fields: int = 100) -> None:
        self.line_bytes = line_bytes
        self.head_bytes = head_bytes
        self.fields = fields


class Head:
    """One parsed head.

    fields: as a WSGI environment names them, CONTENT_LENGTH and HTTP_HOST; repeated ones are joined.
    length: of the body in bytes, None where there is none. chunked: the body says itself where it ends.
    """

    __slots__ = ("chunked", "fields", "keep_alive", "length", "method", "raw", "request_line", "target", "version")

    raw: bytes
    request_line: str
    method: str
    target: str
    version: str
    fields: dict[str, str]
    length: int | None
    chunked: bool
    keep_alive: bool

    @property
    def upgrade(self) -> bool:
        """Whether the client would like to speak another protocol from here on."""
        fields = self.fields
        connection = fields.get("HTTP_CONNECTION")
        if connection is not None and "upgrade" in _tokens(connection):
            return True
        return fields.get("HTTP_UPGRADE", "").lower() == "websocket"


def _tokens(text: str) -> list[str]:
    return [token.strip() for token in text.lower().split(",")]


# -- names ---------------------------------------------------------------------------------------------------------

_keys: dict[bytes, str | None] = {}  # name of a field -> its name in the environment, None where it is dropped


def _key_of(name: bytes) -> str | None:
    """The name's key in the environment, remembered within bounds."""
    key: str | None = None
    if b"_" not in name:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in _UNNAMED:
            key = f"HTTP_{key}"
    if len(_keys) < _MOST_KEYS and len(name) < 64:
        _keys[name] = key
    return key


# -- parsing -------------------------------------------------------------------------------------------------------


class _Fields:
    """What the parser calls: it gathers one head's fields."""

    __slots__ = ("gathered", "left", "repeated")

    def __init__(self) -> None:
        self.gathered: dict[str, str] = {}
        self.left = 0  # how many more there may be
        self.repeated = False  # one that must not be

    def on_header(self, name: bytes, value: bytes) -> None:
        self.left -= 1
        key = _keys[name] if name in _keys else _key_of(name)
        if key is None:
            return
        text = value.decode("latin-1").strip(" \t")
        gathered = self.gathered
        if key in gathered:
            self.repeated |= key == "HTTP_HOST"
            separator = "; " if key in _JOINED_BY_SEMICOLON else ","
            text = f"{gathered[key]}{separator}{text}"
        gathered[key] = text


class HeadParser:
    """Parses the heads of one connection, one after the other."""

    __slots__ = ("_fields", "_parser")

    def __init__(self) -> None:
        self._fields = _Fields()
        self._parser: Any = None

    @staticmethod
    def fields_of(items: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Names and values, as a WSGI environment has them."""
        fields = _Fields()
        for name, value in items:
            fields.on_header(name.encode("latin-1"), value.encode("latin-1"))
        return fields.gathered

    def parse(self, raw: bytes, limits: HeadLimits) -> Head:
        """The head that `raw` is. Raises InvalidClientRequest."""
        try:
            head = self._parse(raw, limits)
        except HttpParserError as error:
            self._parser = None
            lines = raw.find(b"\r\n") + 2
            if _FOLD.search(raw, lines):
                return self.parse(raw[:lines] + _FOLD.sub(b" ", raw[lines:]), limits)
            raise _invalid(error, raw) from None
        except InvalidClientRequest:
            self._parser = None
            raise
        return head

    def _parse(self, raw: bytes, limits: HeadLimits) -> Head:
        fields = self._fields
        gathered: dict[str, str] = {}
        fields.gathered = gathered
        fields.left = limits.fields
        parser = self._parser
        if parser is None:
            parser = self._parser = HttpRequestParser(fields)
        try:
            parser.feed_data(raw)
        except HttpParserUpgrade:
            self._parser = None
        if fields.left < 0:
            raise InvalidClientRequest(f"Invalid request: more than {limits.fields} header fields", FIELDS_TOO_LARGE)
        if fields.repeated:
            fields.repeated = False
            raise InvalidClientRequest("Invalid request: more than one Host")
        head = Head()
        head.raw = raw
        line = raw[: raw.index(b"\r\n")]
        words = line.split()
        if len(words) != 3 or words[2] not in _VERSIONS:
            raise InvalidClientRequest(f"Invalid http version: {line.decode('latin-1')!r}")
        head.request_line = line.decode("latin-1")
        head.method = words[0].decode("latin-1")
        head.target = words[1].decode("latin-1")
        head.version = version = _VERSIONS[words[2]]
        head.fields = gathered
        head.chunked = chunked = "HTTP_TRANSFER_ENCODING" in gathered and _is_chunked(gathered, version)
        length = gathered.get("CONTENT_LENGTH")
        head.length = None if length is None else int(length)
        connection = gathered.get("HTTP_CONNECTION")
        if connection is None:
            head.keep_alive = keep_alive = version == "HTTP/1.1"
        else:
            head.keep_alive = keep_alive = _keeps_alive(connection, version)
        if head.length or chunked or not keep_alive or version != "HTTP/1.1":
            self._parser = None  # it would take what follows for the body, or for nothing
        return head


_VERSIONS = {b"HTTP/1.1": "HTTP/1.1", b"HTTP/1.0": "HTTP/1.0"}


def _is_chunked(fields: dict[str, str], version: str) -> bool:
    coding = fields["HTTP_TRANSFER_ENCODING"]
    if version != "HTTP/1.1":
        raise InvalidClientRequest(f"Invalid request: Transfer-Encoding: {coding!r} in {version}")
    if coding.lower() != "chunked":
        raise InvalidClientRequest(f"Invalid request: Transfer-Encoding: {coding!r} is not chunked", NOT_IMPLEMENTED)
    return True


def _keeps_alive(connection: str, version: str) -> bool:
    tokens = _tokens(connection)
    if "close" in tokens:
        return False
    return version == "HTTP/1.1" or "keep-alive" in tokens


def _invalid(error: Exception, raw: bytes) -> InvalidClientRequest:
    line = raw[: raw.find(b"\r\n")] if b"\r\n" in raw else raw
    return InvalidClientRequest(f"Invalid request: {error}: {line[:200].decode('latin-1')!r}")


# -- reading -------------------------------------------------------------------------------------------------------


def read_head(stream: Stream, limits: HeadLimits, patience: int | None) -> bytes:
    """The next head of the stream, empty line included; b"" where the client has left before it, or stays silent.

    patience: ticks from its first byte to its last. Raises InvalidClientRequest.
    """
    stream.idle = True
    try:
        data = stream.take()
    except ClientTooSlow:
        return b""
    except ServerStops:
        data = stream.last_look()
    finally:
        stream.idle = False
    end = data.find(b"\r\n\r\n") + 4
    if end < 4 or data[0] <= 13 or end > limits.line_bytes:
        return _read_rest(stream, data, limits, patience)
    if end == len(data):
        return data
    stream.give_back(data, end)
    return data[:end]


def _read_rest(stream: Stream, first: bytes, limits: HeadLimits, patience: int | None) -> bytes:
    """As read_head, of a head that comes in pieces, is long, or has empty lines before it."""
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
            first = stream.more(due)
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
