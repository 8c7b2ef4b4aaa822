"""What a host lookup answers without a name server: numeric addresses, and the hosts file where it is asked first.

`needs_no_network` says whether the system's own function, called with that host, answers from memory and local files.
It only says so where that is certain: the hosts file has to be the first source of the system's configuration, and to
have an address of the family that is asked for.

Both files are read again when their time or size changes. Cost: two stat calls a lookup of a name, none of an address.
"""

from __future__ import annotations

import _socket
import os
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Generic, TypeVar

__all__ = ["Hosts", "is_numeric"]

T = TypeVar("T")

HOSTS_FILE = "/etc/hosts"
SOURCES_FILE = "/etc/nsswitch.conf"


def is_numeric(host: str | bytes) -> bool:
    """Whether the host is an address, in one of the forms that the system knows."""
    try:
        _socket.getaddrinfo(host, None, 0, _socket.SOCK_STREAM, 0, _socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


class _File(Generic[T]):
    """A file's content, parsed, for as long as the file does not change."""

    def __init__(self, path: str, parse: Callable[[Iterator[list[bytes]]], T], without: T) -> None:
        self._path = path
        self._parse = parse
        self._without = without
        self._stamp: tuple[int, int] | None = None
        self._value = without

    def read(self) -> T:
        try:
            status = os.stat(self._path)
            stamp = status.st_mtime_ns, status.st_size
            if stamp != self._stamp:
                with open(self._path, "rb") as lines:
                    self._value = self._parse(line.partition(b"#")[0].split() for line in lines)
                self._stamp = stamp
        except OSError:
            self._value = self._without
            self._stamp = None
        return self._value


class _Names:
    """The hosts file: the families of each name's addresses, and the addresses."""

    def __init__(self, lines: Iterable[list[bytes]] = ()) -> None:
        self.families: dict[bytes, set[int]] = {}
        self.addresses: set[object] = set()
        for words in lines:
            try:
                address = ip_address(words[0].decode("ascii"))
            except (IndexError, ValueError):
                continue
            self.addresses.add(address)
            family = _socket.AF_INET if address.version == 4 else _socket.AF_INET6
            for name in words[1:]:
                self.families.setdefault(name.lower(), set()).add(family)


def _files_first(lines: Iterator[list[bytes]]) -> bool:
    for words in lines:
        if words[:1] == [b"hosts:"]:
            return words[1:2] == [b"files"]
    return False


class Hosts:
    """The hosts file and the order of sources, as they are now."""

    def __init__(self, hosts_file: str = HOSTS_FILE, sources_file: str = SOURCES_FILE) -> None:
        self._names = _File(hosts_file, _Names, _Names())
        self._files_first = _File(sources_file, _files_first, without=True)

    def has_name(self, host: bytes, family: int = _socket.AF_UNSPEC) -> bool:
        """Whether a lookup of the name ends at the hosts file. family: AF_UNSPEC for any."""
        if not self._files_first.read():
            return False
        families = self._names.read().families.get(host.lower(), ())
        return bool(families) if family == _socket.AF_UNSPEC else family in families

    def has_address(self, host: str) -> bool:
        """Whether a lookup of the address's name ends at the hosts file."""
        if not self._files_first.read():
            return False
        try:
            return ip_address(host) in self._names.read().addresses
        except ValueError:
            return False
