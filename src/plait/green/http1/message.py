"""The fields of a head as a message of the standard library's, for handlers that look at single ones.

It is built when it is asked for: the email parser that it takes costs more than all the rest of a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPMessage, parse_headers
from io import BytesIO
from typing import Any

__all__ = ["Message", "fields_of", "message_of"]


class Message(HTTPMessage):
    """Fields by name, case-insensitive, in their order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.status = ""

    def getheader(self, name: str, default: Any = None) -> Any:
        return self.get(name, default)

    @property
    def headers(self) -> Iterator[str]:
        return (f"{name}: {value}\r\n" for name, value in self.items())

    @property
    def typeheader(self) -> str | None:
        return self.get("content-type")


def message_of(file: Any) -> Message:
    """The fields that follow in the file, up to an empty line or the end."""
    return parse_headers(file, _class=Message)


def fields_of(raw: bytes) -> BytesIO:
    """A head without its request line, to be read as a message."""
    return BytesIO(raw[raw.find(b"\r\n") + 2 :])
