"""Servers: TCP, with or without TLS, and UDP.

Each connection, or datagram, is handled in a greenlet of its own; a connection is closed when its handler returns. The
TLS handshake is made in that greenlet too, so that a client that dawdles over it holds up nobody.
"""

from __future__ import annotations

import _socket
import errno
import socket as _stdlib

from plait.green.baseserver import BaseServer
from plait.green.socket import create_server, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import Any

__all__ = ["DatagramServer", "StreamServer"]

# A connection that failed between the kernel's queue and accept() is no failure of the listener.
_OF_THE_CONNECTION = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.EINTR})


class StreamServer(BaseServer):
    """handle(socket, address) for each connection. backlog: connections that the kernel holds for accept().

    ssl_args: with any of them connections are TLS. Either ssl_context, or what to make one of: certfile, keyfile,
    cert_reqs, ssl_version, ca_certs, ciphers. Besides server_side, do_handshake_on_connect and suppress_ragged_eofs, as
    `SSLContext.wrap_socket` takes them.
    """

    backlog = 256

    def __init__(
        self,
        listener: Any,
        handle: Callable[..., Any] | None = None,
        backlog: int | None = None,
        spawn: Any = "default",
        **ssl_args: Any,
    ) -> None:
        self.ssl_args: dict[str, Any] | None = None
        if ssl_args:
            self.ssl_context, self.ssl_args = _split(ssl_args)
        super().__init__(listener, handle, spawn)
        if backlog is not None:
            if not self._owns_address:
                raise TypeError(f"backlog={backlog!r} is of no use: the listener that was passed is listening already")
            self.backlog = backlog

    @property
    def ssl_enabled(self) -> bool:
        return self.ssl_args is not None

    @classmethod
    def get_listener(cls, address: Any, backlog: int | None = None, family: int = _stdlib.AF_INET) -> socket:
        """A listening socket at the address."""
        if family == _stdlib.AF_UNIX:
            return _listening(address, cls.backlog if backlog is None else backlog)
        return create_server(
            address,
            family=family,
            backlog=cls.backlog if backlog is None else backlog,
            dualstack_ipv6=family == _stdlib.AF_INET6 and not address[0],
        )

    def init_socket(self) -> None:
        self.socket = self.get_listener(self.address, self.backlog, self.family)

    def do_read(self) -> tuple[socket, Any] | None:
        while True:
            try:
                accepted = self.socket.accept_now()
            except OSError as error:
                if error.errno not in _OF_THE_CONNECTION:
                    raise
            else:
                return accepted  # type: ignore[no-any-return]

    def do_close(self, *args: Any) -> None:
        connection: socket = args[0]
        connection.close()

    def _handle(self, *args: Any) -> None:
        if self.ssl_args is None:
            self.handle(*args)
        else:
            self.wrap_socket_and_handle(*args)

    def wrap_socket(self, client_socket: socket, **ssl_args: Any) -> Any:
        """The TLS connection over a socket; subclasses and instances may make it otherwise."""
        return _wrap(self.ssl_context, client_socket, ssl_args)

    def wrap_socket_and_handle(self, client_socket: socket, address: Any) -> None:
        """Begin TLS, handle the connection, and close it."""
        with self.wrap_socket(client_socket, **(self.ssl_args or {})) as connection:
            self.handle(connection, address)


def _listening(path: str, backlog: int) -> socket:
    listener = socket(_stdlib.AF_UNIX)
    try:
        listener.bind(path)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener


_OF_A_CONTEXT = ("certfile", "keyfile", "cert_reqs", "ssl_version", "ca_certs", "ciphers")
_OF_A_CONNECTION = ("server_side", "do_handshake_on_connect", "suppress_ragged_eofs", "server_hostname", "session")


def _split(ssl_args: dict[str, Any]) -> tuple[SSLContext, dict[str, Any]]:
    """The context that the arguments give or describe, and those that each connection gets."""
    of_each = {"server_side": True}
    of_a_context = {}
    context = ssl_args.pop("ssl_context", None)
    for name, value in ssl_args.items():
        if name in _OF_A_CONNECTION:
            of_each[name] = value
        elif name in _OF_A_CONTEXT and context is None:
            of_a_context[name] = value
        else:
            known = _OF_A_CONNECTION if context is not None else (*_OF_A_CONTEXT, *_OF_A_CONNECTION)
            raise TypeError(f"{name}={value!r} is no argument of TLS here; pass ssl_context, or of {', '.join(known)}")
    return (_context(**of_a_context) if context is None else context), of_each


def _context(
    certfile: Any = None,
    keyfile: Any = None,
    cert_reqs: Any = None,
    ssl_version: Any = None,
    ca_certs: Any = None,
    ciphers: str | None = None,
) -> SSLContext:
    from plait.green import ssl

    if certfile is None:
        raise ValueError("certfile is missing: a server has a certificate; pass its file, with the key or with keyfile")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if ssl_version is None else ssl_version)
    context.load_cert_chain(certfile, keyfile)
    if ca_certs is not None:
        context.load_verify_locations(ca_certs)
    if cert_reqs is not None:
        context.verify_mode = cert_reqs
    if ciphers is not None:
        context.set_ciphers(ciphers)
    return context


def _wrap(context: Any, connection: socket, arguments: dict[str, Any]) -> Any:
    """A TLS connection that is cooperative, also where the context is the standard library's, unpatched."""
    from plait.green import ssl

    makes = getattr(context, "sslsocket_class", ssl.SSLSocket)
    own_way = getattr(type(context), "wrap_socket", None) is not ssl.SSLContext.wrap_socket
    if own_way or makes is ssl.SSLSocket or not issubclass(ssl.SSLSocket, makes):
        return context.wrap_socket(connection, **arguments)
    return ssl.SSLSocket._create(sock=connection, context=context, **arguments)  # type: ignore[attr-defined]


class DatagramServer(BaseServer):
    """handle(data, address) for each datagram; answer with sendto(data, address).

    max_size: bytes of a datagram that are taken; what is longer is cut off there.
    """

    max_size = 65536

    @classmethod
    def get_listener(cls, address: Any, family: int = _stdlib.AF_INET) -> socket:
        """A socket bound to the address. Nobody else can bind it too: for datagrams SO_REUSEADDR would allow that."""
        listener = socket(family, _stdlib.SOCK_DGRAM)
        try:
            if family == _stdlib.AF_INET6 and not address[0]:
                listener.setsockopt(_stdlib.IPPROTO_IPV6, _stdlib.IPV6_V6ONLY, 0)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
        return listener

    def init_socket(self) -> None:
        self.socket = self.get_listener(self.address, self.family)

    def do_read(self) -> tuple[bytes, Any] | None:
        try:
            return _socket.socket.recvfrom(self.socket, self.max_size)
        except (BlockingIOError, InterruptedError):
            return None
        except ConnectionError:  # the kernel's word about an earlier answer that nobody took
            return None

    def sendto(self, *args: Any) -> int:
        """As the socket's: sendto(data, address)."""
        return self.socket.sendto(*args)  # type: ignore[no-any-return]
