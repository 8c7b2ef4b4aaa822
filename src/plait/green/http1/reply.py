"""Responses: what may stand in a status line and a header field, and how it is put on the wire.

Status and fields are checked when the application names them, while it still runs, so that its traceback shows who did
it. A carriage return or line feed in one would let whoever supplied it write the rest of the response.
What runs for each response is native, in `_native/http.pyx`.
"""

from __future__ import annotations

import time

from plait.green._native.http import date_now as _cached_date
from plait.green._native.http import encoded_fields as encoded_fields
from plait.green._native.http import encoded_status as encoded_status
from plait.green._native.http import head_bytes as head_bytes

__all__ = ["canned", "date_now", "encoded_fields", "encoded_status", "format_date_time", "head_bytes"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # never a locale's


def canned(status: str) -> bytes:
    """A response without a body after which the connection is closed."""
    return b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status.encode("latin-1")


def format_date_time(timestamp: float) -> bytes:
    """The time (seconds since the epoch) as HTTP writes dates."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(timestamp)
    return (
        f"{_DAYS[weekday]}, {day:02d} {_MONTHS[month]} {year:04d} {hour:02d}:{minute:02d}:{second:02d} GMT"
    ).encode()


def date_now() -> bytes:
    """The date now. Formatted once a second."""
    return _cached_date(format_date_time)
