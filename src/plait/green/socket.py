"""Cooperative sockets: the standard library's class, whose waiting parks the greenlet instead of the thread.

The descriptor is always non-blocking; `settimeout` and `setblocking` say what the methods here do about it. Each call
is tried first and waits only where the kernel has nothing. Several greenlets may wait on one socket; closing it wakes
them with EBADF. A greenlet whose sockets are always ready lets the others run now and then. What runs for each message
is native: see `_native/io.pyx`.

All other names are those of the standard library's `socket` module. Names are looked up by the
hub's resolver (`resolver`).
"""

from __future__ import annotations

import errno
import os
import socket as _stdlib
from collections.abc import Callable
from typing import Any, TypeVar

from plait.green._native import io
from plait.green.lookups import getaddrinfo as getaddrinfo
from plait.green.lookups import getfqdn as getfqdn
from plait.green.lookups import gethostbyaddr as gethostbyaddr
from plait.green.lookups import gethostbyname as gethostbyname
from plait.green.lookups import gethostbyname_ex as gethostbyname_ex
from plait.green.lookups import getnameinfo as getnameinfo
from plait.green.poller import READ, WRITE
from plait.green.timeout import deadline_after
from plait.green.waits import wait as wait
from plait.green.waits import wait_read as wait_read
from plait.green.waits import wait_readwrite as wait_readwrite
from plait.green.waits import wait_write as wait_write

__all__ = [  # noqa: PLE0604  (the standard library's are strings)
    *_stdlib.__all__,
    "wait",
    "wait_read",
    "wait_readwrite",
    "wait_write",
]

#: What patching puts in place of the standard library's, and which of it looks names up.
__implements__ = [
    "SocketType",
    "create_connection",
    "create_server",
    "fromfd",
    "getaddrinfo",
    "getfqdn",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "socket",
    "socketpair",
]
__dns__ = ["getaddrinfo", "getfqdn", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"]

T = TypeVar("T")

# As they are before patching makes them the ones below.
_native = _stdlib.socket
_native_socketpair = _stdlib.socketpair
_native_create_server = _stdlib.create_server
_CONNECTING = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK)
_OWN_TIMEOUT: Any = _stdlib._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # the one that callers pass on


def __getattr__(name: str) -> Any:
    """Constants and functions that do not wait, from the standard library."""
    return getattr(_stdlib, name)


class socket(_native):
    """A socket whose calls park the greenlet. Arguments and results are the standard library's."""

    __slots__ = ("_channel",)

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        super().__init__(family, type, proto, fileno)
        super().settimeout(0.0)
        stream = self.type == _stdlib.SOCK_STREAM
        self._channel = io.Channel(self.fileno(), _stdlib.getdefaulttimeout(), stream)

    # -- what blocking means -------------------------------------------------------------------------------------

    def settimeout(self, value: float | None) -> None:
        """Seconds that a call may wait; None: for ever; 0: not at all."""
        if value is not None:
            if not hasattr(value, "__float__"):  # float() would take text
                raise TypeError(f"timeout={value!r} is not a number of seconds; pass one, or None to wait for ever")
            value = float(value)
            if value < 0:
                raise ValueError("Timeout value out of range")
        self._channel.limit = value

    def gettimeout(self) -> float | None:
        return self._channel.limit

    @property
    def timeout(self) -> float | None:
        return self._channel.limit

    def setblocking(self, flag: bool) -> None:
        self._channel.limit = None if flag else 0.0

    def getblocking(self) -> bool:
        return self._channel.limit != 0.0

    @property
    def ref(self) -> bool:
        """Whether a hub with nothing else left waits for this socket's waits; may be assigned."""
        return self._channel.ref

    @ref.setter
    def ref(self, value: bool) -> None:
        self._channel.ref = value

    @property
    def type(self) -> Any:
        """SOCK_STREAM or its kin, without the bit that says the descriptor does not block."""
        kind = int(super().type) & ~(_stdlib.SOCK_NONBLOCK | _stdlib.SOCK_CLOEXEC)
        try:
            return _stdlib.SocketKind(kind)
        except ValueError:  # one that has no name
            return kind

    @property
    def _sock(self) -> socket:
        """Itself: what libraries take from the peer's sockets, which wrap another object."""
        return self

    # -- waiting -------------------------------------------------------------------------------------------------

    def _call(self, direction: int, flags: int, function: Callable[..., T], *args: Any) -> T:
        """function(*args), tried again each time the socket is ready, until it does not say EAGAIN.

        flags: those among args; MSG_DONTWAIT is kept.
        """
        self._channel.take_turn()
        limit = 0.0 if flags & _stdlib.MSG_DONTWAIT else self._channel.limit
        deadline: Any = _OWN_TIMEOUT
        while True:
            try:
                return function(*args)
            except BlockingIOError:
                if limit == 0.0:
                    raise
            if deadline is _OWN_TIMEOUT:
                deadline = deadline_after(limit)
            self._wait(direction, deadline)

    def _wait(self, direction: int, deadline: float | None) -> None:
        self._channel.wait_for(direction, deadline)

    # -- connecting ----------------------------------------------------------------------------------------------

    def accept(self) -> tuple[socket, Any]:
        fd, address = self._call(READ, 0, self._accept)  # type: ignore[attr-defined]
        return socket(self.family, self.type, self.proto, fileno=fd), address

    def accept_now(self) -> tuple[socket, Any] | None:
        """As accept, without waiting: None where nobody has connected."""
        try:
            fd, address = self._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return None
        return socket(self.family, self.type, self.proto, fileno=fd), address

    def wait_readable(self) -> None:
        """Park until recv() or accept() would not wait. Takes no timeout."""
        self._wait(READ, None)

    def connect(self, address: Any) -> None:
        code = self._connect(address)
        if code:
            raise OSError(code, os.strerror(code))

    def connect_ex(self, address: Any) -> int:
        try:
            return self._connect(address)
        except TimeoutError:
            return errno.EAGAIN
        except OSError as error:
            if error.errno is None or isinstance(error, _stdlib.gaierror):
                raise
            return error.errno

    def _connect(self, address: Any) -> int:
        """Returns the error number, 0 for success."""
        deadline = deadline_after(self._channel.limit)
        code = super().connect_ex(_resolved(self, address))
        if code not in _CONNECTING or self._channel.limit == 0.0:
            return 0 if code == errno.EISCONN else code
        self._wait(WRITE, deadline)
        return self.getsockopt(_stdlib.SOL_SOCKET, _stdlib.SO_ERROR)

    # -- receiving -----------------------------------------------------------------------------------------------

    recv = io.recv
    recv_into = io.recv_into

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        return self._call(READ, flags, super().recvfrom, bufsize, flags)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        return self._call(READ, flags, super().recvfrom_into, buffer, nbytes, flags)

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        return self._call(READ, flags, super().recvmsg, bufsize, ancbufsize, flags)

    def recvmsg_into(self, buffers: Any, ancbufsize: int = 0, flags: int = 0, /) -> Any:
        return self._call(READ, flags, super().recvmsg_into, buffers, ancbufsize, flags)

    # -- sending -------------------------------------------------------------------------------------------------

    send = io.send
    sendall = io.sendall

    def sendto(self, data: Any, *flags_and_address: Any) -> int:
        flags = flags_and_address[0] if len(flags_and_address) > 1 else 0
        return self._call(WRITE, flags, super().sendto, data, *flags_and_address)

    def sendmsg(self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /) -> int:
        return self._call(WRITE, flags, super().sendmsg, buffers, ancdata, flags, address)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        return self._sendfile_use_send(file, offset, count)  # type: ignore[attr-defined,no-any-return]

    # -- the descriptor's end ------------------------------------------------------------------------------------

    def _real_close(self, *args: Any) -> None:
        self._channel.forget()
        super()._real_close(*args)  # type: ignore[misc]

    def detach(self) -> int:
        """The descriptor, no longer this socket's; it stays non-blocking."""
        self._channel.forget()
        return super().detach()

    def dup(self) -> socket:
        copied = type(self)(self.family, self.type, self.proto, fileno=_stdlib.dup(self.fileno()))
        copied.settimeout(self.gettimeout())
        return copied


SocketType = socket


def fromfd(fd: int, family: int, type: int, proto: int = 0) -> socket:
    """A socket of a copy of the descriptor."""
    return socket(family, type, proto, fileno=_stdlib.dup(fd))


def socketpair(family: int | None = None, type: int = _stdlib.SOCK_STREAM, proto: int = 0) -> tuple[socket, socket]:
    """Two sockets, connected to each other."""
    one, other = _native_socketpair(family, type, proto)
    return (
        socket(one.family, one.type, one.proto, fileno=one.detach()),
        socket(other.family, other.type, other.proto, fileno=other.detach()),
    )


def create_connection(
    address: tuple[str | None, int],
    timeout: Any = _OWN_TIMEOUT,
    source_address: Any = None,
    *,
    all_errors: bool = False,
) -> socket:
    """Connect to (host, port): each address of the host is tried in turn.

    Raises the last failure, or with all_errors an ExceptionGroup of all of them.
    """
    errors: list[Exception] = []
    host, port = address
    for family, kind, proto, _, target in getaddrinfo(host, port, 0, _stdlib.SOCK_STREAM):
        connection = socket(family, kind, proto)
        try:
            if timeout is not _OWN_TIMEOUT:
                connection.settimeout(timeout)
            if source_address:
                connection.bind(source_address)
            connection.connect(target)
        except OSError as error:
            connection.close()
            errors.append(error)
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    if not errors:
        raise OSError(f"getaddrinfo found no address for {host!r}")
    if all_errors:
        raise ExceptionGroup("create_connection failed", errors)
    raise errors[-1]


def create_server(
    address: Any,
    *,
    family: int = _stdlib.AF_INET,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> socket:
    """A listening socket, as the standard library's create_server makes it."""
    listener = _native_create_server(
        address, family=family, backlog=backlog, reuse_port=reuse_port, dualstack_ipv6=dualstack_ipv6
    )
    return socket(listener.family, listener.type, listener.proto, fileno=listener.detach())


def _resolved(sock: socket, address: Any) -> Any:
    """The address with a numeric host, so that connect() does not look it up while all greenlets stand still.

    Nothing but the host is looked at: what else may be wrong with the address, the system says.
    """
    if sock.family not in (_stdlib.AF_INET, _stdlib.AF_INET6) or not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port, *more = address
    if not isinstance(host, (str, bytes, bytearray)) or _is_number(sock.family, host):
        return address
    found = getaddrinfo(host, None, sock.family, _stdlib.SOCK_STREAM)[0][4]
    return (found[0], port, *(more or found[2:]))


def _is_number(family: int, host: Any) -> bool:
    try:
        _stdlib.inet_pton(family, host)
    except (OSError, TypeError, ValueError):
        return False
    return True
