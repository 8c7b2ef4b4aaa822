"""AbstractResolver: the five functions, with what needs no network answered in place by the system's own.

A subclass says how a name is looked up otherwise, in `look_up(name of the function, *arguments)`. Hosts come to it as
bytes: names are encoded as the system's functions do it, and refused where they refuse them.
"""

from __future__ import annotations

import _socket
from typing import Any

from plait.green.resolver.local import Hosts, is_numeric

__all__ = ["AbstractResolver"]

_hosts = Hosts()


class AbstractResolver:
    """What `hub.resolver` is."""

    def __init__(self, hub: Any = None) -> None:
        self.hosts = _hosts

    def close(self) -> None:
        """Give back what it holds; it is used no more."""

    def look_up(self, function: str, *arguments: Any) -> Any:
        """What the function of that name gives for these arguments, which need the network."""
        raise NotImplementedError

    # -- the five functions --------------------------------------------------------------------------------------

    def getaddrinfo(
        self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[tuple[Any, ...]]:
        host = _encoded(host)
        if flags & _socket.AI_NUMERICHOST or self._is_local(host, family):
            return _socket.getaddrinfo(host, port, family, type, proto, flags)
        return self.look_up("getaddrinfo", host, port, family, type, proto, flags)  # type: ignore[no-any-return]

    def gethostbyname(self, hostname: Any) -> str:
        hostname = _encoded(hostname)
        if self._is_local(hostname, _socket.AF_INET):
            return _socket.gethostbyname(hostname)
        return self.look_up("gethostbyname", hostname)  # type: ignore[no-any-return]

    def gethostbyname_ex(self, hostname: Any) -> tuple[str, list[str], list[str]]:
        hostname = _encoded(hostname)
        if self._is_local(hostname, _socket.AF_INET):
            return _socket.gethostbyname_ex(hostname)
        return self.look_up("gethostbyname_ex", hostname)  # type: ignore[no-any-return]

    def gethostbyaddr(self, ip_address: Any) -> tuple[str, list[str], list[str]]:
        ip_address = _encoded(ip_address)
        if not isinstance(ip_address, bytes) or self._has_local_name(ip_address):
            return _socket.gethostbyaddr(ip_address)
        return self.look_up("gethostbyaddr", ip_address)  # type: ignore[no-any-return]

    def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        host = sockaddr[0] if isinstance(sockaddr, tuple) and sockaddr else None
        wants_name = isinstance(flags, int) and not flags & _socket.NI_NUMERICHOST
        if not isinstance(host, str) or not wants_name or self._has_local_name(_encoded(host)):
            return _socket.getnameinfo(sockaddr, flags)
        return self.look_up("getnameinfo", sockaddr, flags)  # type: ignore[no-any-return]

    # -- what needs no network -----------------------------------------------------------------------------------

    def _is_local(self, host: Any, family: int) -> bool:
        """Whether the system answers without the network; arguments that it refuses are refused in place."""
        if not isinstance(host, bytes) or host in (b"", b"<broadcast>"):
            return True
        return self.hosts.has_name(host, family) or is_numeric(host)

    def _has_local_name(self, address: bytes) -> bool:
        try:
            return self.hosts.has_address(address.decode("ascii"))
        except UnicodeDecodeError:
            return False


def _encoded(host: Any) -> Any:
    """As the system's functions do it first: in the caller, since a thread could wait for an import of the caller's."""
    return host.encode("idna") if isinstance(host, str) else host
