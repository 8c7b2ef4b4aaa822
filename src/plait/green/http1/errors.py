"""What clients do wrong, each with the status that it is answered with.

All are the client's failures, not the server's: they are logged in a line, without a traceback.
"""

from __future__ import annotations

__all__ = ["ClientTooSlow", "InvalidClientInput", "InvalidClientRequest", "ServerStops"]


class InvalidClientRequest(ValueError):
    """A head that cannot be served. formatted_message: what is wrong with it, for the log."""

    def __init__(self, formatted_message: str, status: str = "400 Bad Request") -> None:
        super().__init__(formatted_message)
        self.formatted_message = formatted_message
        self.status = status


class InvalidClientInput(OSError):
    """A body whose framing is wrong, so that nobody knows where the next request begins."""

    def __init__(self, message: str, status: str = "400 Bad Request") -> None:
        super().__init__(message)
        self.status = status


class ClientTooSlow(TimeoutError):
    """The client did not send, or take, what it had to within the server's time."""


class ServerStops(Exception):
    """Raised where a connection waits for its next request when the server stops."""
