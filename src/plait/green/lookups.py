"""The lookup functions of the socket module, through the hub's resolver.

Arguments, answers and errors are the standard library's; the functions park the greenlet where the resolver does.
"""

from __future__ import annotations

import socket as _stdlib
from typing import Any

from plait.green.hub import get_hub

__all__ = ["getaddrinfo", "getfqdn", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"]

_LOCAL_NAMES = ("", "0.0.0.0", "::")
_Family = _stdlib.AddressFamily
_Kind = _stdlib.SocketKind
_gethostname = _stdlib.gethostname


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, ...]]:
    """Addresses to connect to: (family, type, proto, canonname, sockaddr) each."""
    found = get_hub().resolver.getaddrinfo(host, port, family, type, proto, flags)
    return [(_named(_Family, item[0]), _named(_Kind, item[1]), *item[2:]) for item in found]


def gethostbyname(hostname: Any) -> str:
    """The host's first IPv4 address."""
    return get_hub().resolver.gethostbyname(hostname)  # type: ignore[no-any-return]


def gethostbyname_ex(hostname: Any) -> tuple[str, list[str], list[str]]:
    """The host's name, aliases and IPv4 addresses."""
    return get_hub().resolver.gethostbyname_ex(hostname)  # type: ignore[no-any-return]


def gethostbyaddr(ip_address: Any) -> tuple[str, list[str], list[str]]:
    """The name, aliases and addresses of the host that has an address."""
    return get_hub().resolver.gethostbyaddr(ip_address)  # type: ignore[no-any-return]


def getnameinfo(sockaddr: Any, flags: int) -> tuple[str, str]:
    """The host and port of a socket address, as names or, with flags, as numbers."""
    return get_hub().resolver.getnameinfo(sockaddr, flags)  # type: ignore[no-any-return]


def getfqdn(name: str = "") -> str:
    """The host's full name: the first of its names that has a dot, else its name; this host's for an empty name."""
    name = name.strip()
    if name in _LOCAL_NAMES:
        name = _gethostname()
    try:
        hostname, aliases, _ = gethostbyaddr(name)
    except OSError:
        return name
    return next((known for known in (hostname, *aliases) if "." in known), hostname)


def _named(kind: Any, value: int) -> Any:
    """The member of the enumeration; the number itself where it has none, as the standard library does."""
    try:
        return kind(value)
    except ValueError:
        return value
