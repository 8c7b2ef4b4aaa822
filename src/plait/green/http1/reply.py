"""Responses: what may stand in a status line and a header field, and how it is put on the wire.

Status and fields are checked when the application names them, while it still runs, so that its traceback shows who did
it. A carriage return or line feed in one would let whoever supplied it write the rest of the response.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

__all__ = ["canned", "date_now", "encoded_fields", "encoded_status", "format_date_time", "head_bytes"]

Fields = list[tuple[bytes, bytes]]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # never a locale's


def encoded_status(status: str) -> bytes:
    """Raises where it is no status line's text, "200 OK"."""
    if not isinstance(status, str):
        raise UnicodeError("The status string must be a native string", status)
    if "\r" in status or "\n" in status:
        raise ValueError("carriage return or newline in status", status)
    return status.encode("latin-1")


def encoded_fields(headers: Iterable[tuple[str, str]]) -> Fields:
    """Raises UnicodeError for what is no text of latin-1, ValueError for a line break."""
    encoded = []
    name = value = ""
    try:
        for name, value in headers:
            if not isinstance(name, str):
                raise UnicodeError("The header must be a native string", name, value)
            if not isinstance(value, str):
                raise UnicodeError("The value must be a native string", name, value)
            if "\r" in name or "\n" in name:
                raise ValueError("carriage return or newline in header name", name)
            if "\r" in value or "\n" in value:
                raise ValueError("carriage return or newline in header value", value)
            encoded.append((name.encode("latin-1"), value.encode("latin-1")))
    except UnicodeEncodeError:
        raise UnicodeError("Non-latin1 header", repr(name), repr(value)) from None
    return encoded


def head_bytes(status: bytes, fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The head of a response, empty line included."""
    lines = [b"HTTP/1.1 ", status, b"\r\n"]
    for name, value in fields:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def canned(status: str) -> bytes:
    """A response without a body after which the connection is closed."""
    return b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status.encode("latin-1")


def format_date_time(timestamp: float) -> bytes:
    """The time (seconds since the epoch) as HTTP writes dates."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(timestamp)
    return (
        f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"
    ).encode()


_date: tuple[int, bytes] = (-1, b"")  # the last second that was asked for; replaced as a whole, by any thread


def date_now() -> bytes:
    """The date now. Formatted once a second."""
    global _date
    second = int(time.time())
    known, text = _date
    if known != second:
        text = format_date_time(second)
        _date = (second, text)
    return text
