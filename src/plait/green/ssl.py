"""Cooperative TLS: the standard library's classes, whose waiting parks the greenlet instead of the thread.

`SSLSocket` is the standard library's, over a cooperative socket: each call is tried, and OpenSSL says whether it lacks
bytes to read or room to write. `SSLContext` makes such sockets. Patching exchanges no class: it tells the one class of
contexts that there is which sockets to make (`sslsocket_class`), so contexts that exist already work, and no method
that names its class finds another. Everything else is the standard library's.
"""

from __future__ import annotations

import ssl as _stdlib
from types import ModuleType
from typing import Any

from plait.green import socket as _socket
from plait.green.poller import READ, WRITE
from plait.green.timeout import deadline_after

__all__ = ["SSLContext", "SSLSocket", "create_default_context", "get_server_certificate"]

#: What patching puts in place of the standard library's.
__implements__ = ["get_server_certificate"]

_WANTS = (_stdlib.SSLWantReadError, _stdlib.SSLWantWriteError)


def __getattr__(name: str) -> Any:
    """Constants, exceptions and functions that do not wait, from the standard library."""
    return getattr(_stdlib, name)


def _gevent_did_monkey_patch(target: ModuleType, items: list[str], warn: Any) -> None:
    _stdlib.SSLContext.sslsocket_class = SSLSocket


class SSLSocket(_stdlib.SSLSocket, _socket.socket):  # type: ignore[misc]  # those that TLS has not: both refuse
    """A TLS connection whose calls park the greenlet. Made by a context's `wrap_socket`."""

    _sslobj: Any  # OpenSSL's connection; None before TLS begins and after it was unwrapped

    def _retry(self, what: str, function: Any, *args: Any) -> Any:
        """function(*args), tried again each time the socket is ready for what OpenSSL wants."""
        limit = self._channel.limit
        deadline: Any = None
        waited = False
        while True:
            try:
                return function(*args)
            except _WANTS as error:
                if limit == 0.0:
                    raise
                direction = READ if isinstance(error, _stdlib.SSLWantReadError) else WRITE
            if not waited:
                deadline, waited = deadline_after(limit), True
            try:
                self._wait(direction, deadline)
            except TimeoutError:
                raise TimeoutError(f"The {what} operation timed out") from None
            if self._sslobj is None:
                raise ValueError(f"The connection was unwrapped or closed while the {what} operation waited")

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        """Up to len bytes, decrypted; into buffer, where one is given, and then their number is returned."""
        return self._retry("read", super().read, len, buffer)

    def write(self, data: Any) -> int:
        """Encrypt and send data; returns how much of it was taken."""
        count: int = self._retry("write", super().write, data)
        return count

    def send(self, data: Any, flags: int = 0) -> int:  # type: ignore[override]
        if self._sslobj is None:
            return _socket.socket.send(self, data, flags)
        if flags != 0:
            raise ValueError(f"flags={flags!r}: a TLS connection takes none; leave flags out of {type(self).send}")
        return self.write(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self._sslobj is None:
            _socket.socket.sendall(self, data, flags)
            return
        if flags != 0:
            raise ValueError(f"flags={flags!r}: a TLS connection takes none; leave flags out of {type(self).sendall}")
        with memoryview(data) as view, view.cast("B") as left:
            sent = 0
            while sent < len(left):
                sent += self.write(left[sent:])

    def do_handshake(self, block: bool = False) -> None:
        """Agree with the other side on keys. block: wait even where the time-out is 0."""
        self._check_connected()  # type: ignore[attr-defined]
        limit = self._channel.limit
        if limit == 0.0 and block:
            self._channel.limit = None
        try:
            self._retry("handshake", self._sslobj.do_handshake)
        finally:
            self._channel.limit = limit

    def unwrap(self) -> _socket.socket:
        """End TLS properly, and return the socket for plain bytes."""
        connection = self._sslobj
        if connection is None:
            raise ValueError("No SSL wrapper around " + str(self))
        plain: _socket.socket = self._retry("unwrap", connection.shutdown)
        self._sslobj = None
        return plain

    def dup(self) -> Any:
        raise NotImplementedError("Can't dup() SSLSocket instances")


class SSLContext(_stdlib.SSLContext):
    """The standard library's context; the sockets that it wraps are cooperative."""

    sslsocket_class = SSLSocket


def create_default_context(*args: Any, **kwargs: Any) -> _stdlib.SSLContext:
    """As the standard library's; the sockets that the context wraps are cooperative."""
    return _cooperative(_stdlib.create_default_context(*args, **kwargs))


def _create_unverified_context(*args: Any, **kwargs: Any) -> _stdlib.SSLContext:
    return _cooperative(_stdlib._create_unverified_context(*args, **kwargs))


_create_stdlib_context = _create_unverified_context
_create_default_https_context = create_default_context


def _cooperative(context: _stdlib.SSLContext) -> _stdlib.SSLContext:
    context.sslsocket_class = SSLSocket
    return context


def get_server_certificate(
    addr: tuple[str, int],
    ssl_version: int = _stdlib.PROTOCOL_TLS_CLIENT,
    ca_certs: str | None = None,
    timeout: Any = _socket._OWN_TIMEOUT,
) -> str:
    """The certificate of the server at (host, port), as PEM text; checked where ca_certs names a file to check with."""
    context = _create_unverified_context(
        ssl_version,
        cert_reqs=_stdlib.CERT_NONE if ca_certs is None else _stdlib.CERT_REQUIRED,
        cafile=ca_certs,
    )
    with (
        _socket.create_connection(addr, timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname=addr[0]) as connection,
    ):
        certificate = connection.getpeercert(True)
    assert certificate is not None
    return _stdlib.DER_cert_to_PEM_cert(certificate)
