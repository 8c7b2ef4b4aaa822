"""The resolver that asks name servers itself: without threads, so that any number of lookups may wait.

Numeric hosts and the hosts file are answered in place, as by every resolver here. Answers of servers are kept for as
long as they say. The system's other sources (mDNS, NIS, its order of sources) are not asked, and addresses come in the
servers' order, IPv4 first: who needs exactly what other programs get takes the default resolver.

Needs dnspython: pip install plait[dns].
"""

from __future__ import annotations

import _socket
from typing import Any

import dns.reversename

from plait.green.greenlets import Greenlet
from plait.green.resolver.base import AbstractResolver
from plait.green.resolver.cache import Cache
from plait.green.resolver.questions import Answer, Servers, Unanswered

__all__ = ["Resolver"]

_KINDS = {_socket.AF_INET: "A", _socket.AF_INET6: "AAAA"}
_FAMILIES = {_socket.AF_UNSPEC: (_socket.AF_INET, _socket.AF_INET6)}
# Most of what a name server may make this remember.
CACHE_SIZE = 1024


class Resolver(AbstractResolver):
    """Resolves for the greenlets of one hub."""

    def __init__(self, hub: Any = None) -> None:
        super().__init__(hub)
        self.servers = Servers()
        self.cache = Cache(0, CACHE_SIZE)

    def close(self) -> None:
        self.cache.clear()

    def look_up(self, function: str, *arguments: Any) -> Any:
        return getattr(self, f"_{function}")(*arguments)

    # -- the five functions --------------------------------------------------------------------------------------

    def _getaddrinfo(
        self, host: bytes, port: Any, family: int, type: int, proto: int, flags: int
    ) -> list[tuple[Any, ...]]:
        families = _FAMILIES.get(family, (family,))
        if any(item not in _KINDS for item in families):
            return _socket.getaddrinfo(host, port, family, type, proto, flags | _socket.AI_NUMERICHOST)
        answers = self._addresses(_text(host), families)
        found = []
        for item, answer in zip(families, answers, strict=True):
            for record in answer.records:
                found += _socket.getaddrinfo(
                    record.address, port, item, type, proto, flags & ~_socket.AI_CANONNAME | _socket.AI_NUMERICHOST
                )
        if flags & _socket.AI_CANONNAME:
            name = next(answer.name for answer in answers if answer.records)
            found[0] = (*found[0][:3], name, found[0][4])
        return found

    def _gethostbyname(self, hostname: bytes) -> str:
        return self._gethostbyname_ex(hostname)[2][0]

    def _gethostbyname_ex(self, hostname: bytes) -> tuple[str, list[str], list[str]]:
        (answer,) = self._addresses(_text(hostname), (_socket.AF_INET,))
        return answer.name, list(answer.aliases), [record.address for record in answer.records]

    def _gethostbyaddr(self, ip_address: bytes) -> tuple[str, list[str], list[str]]:
        host = _text(ip_address)
        address = str(self.getaddrinfo(host, None, 0, _socket.SOCK_STREAM)[0][4][0])
        name = self._name_of(address)
        if name is None:
            raise _socket.herror(1, "Unknown host")
        return name, [], [address]

    def _getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        # The system checks the arguments, and knows the names of ports.
        address, port = _socket.getnameinfo(sockaddr, (flags | _socket.NI_NUMERICHOST) & ~_socket.NI_NAMEREQD)
        name = self._name_of(address.partition("%")[0])
        if name is None and flags & _socket.NI_NAMEREQD:
            raise _failure(_socket.EAI_NONAME)
        return name or address, port

    # -- asking --------------------------------------------------------------------------------------------------

    def _addresses(self, name: str, families: tuple[int, ...]) -> list[Answer]:
        """An answer for each family, asked for at the same time; raises gaierror where none has an address."""
        asking = [Greenlet.spawn(self._kept, name, _KINDS[family]) for family in families[1:]]
        try:
            answers = [self._kept(name, _KINDS[families[0]]), *(greenlet.get() for greenlet in asking)]
        finally:
            for greenlet in asking:
                greenlet.kill(block=False)
        known = [answer for answer in answers if isinstance(answer, Answer)]
        if any(answer.records for answer in known):
            return [answer if isinstance(answer, Answer) else known[0].without_records() for answer in answers]
        if len(known) < len(answers):
            raise _failure(_socket.EAI_AGAIN)
        raise _failure(_socket.EAI_NODATA if any(answer.exists for answer in known) else _socket.EAI_NONAME)

    def _name_of(self, address: str) -> str | None:
        found = self._kept(dns.reversename.from_address(address).to_text(), "PTR")
        if isinstance(found, Answer) and found.records:
            return str(found.records[0].target.to_text(omit_final_dot=True))
        return None

    def _kept(self, name: str, kind: str) -> Answer | Unanswered:
        """A failure is returned: in a greenlet of its own it would be reported."""
        answer = self.cache.get((name, kind))
        if answer is None:
            try:
                answer = self.servers.find(name, kind)
            except Unanswered as error:
                return error
            self.cache.put((name, kind), answer, answer.lifetime_s)
        return answer  # type: ignore[no-any-return]


_MESSAGES = {
    _socket.EAI_AGAIN: "Temporary failure in name resolution",
    _socket.EAI_NODATA: "No address associated with hostname",
    _socket.EAI_NONAME: "Name or service not known",
}


def _failure(code: int) -> _socket.gaierror:
    return _socket.gaierror(code, _MESSAGES[code])


def _text(host: bytes) -> str:
    return host.decode("ascii", "surrogateescape")
