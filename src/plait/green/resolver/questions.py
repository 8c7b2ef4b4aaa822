"""Asking name servers, over green sockets; dnspython writes the questions and reads the answers and resolv.conf.

`Servers.ask` sends one question to one server after the other: by UDP, and again by TCP where the answer was cut off.
A server that is silent, refuses or fails is followed by the next, and all are asked again until the time is over.

Nothing of dnspython's own sockets is used, so that it needs no patching. Cost: a socket a question.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from copy import copy
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from plait._base import clock
from plait.green import socket
from plait.green.settings import config

__all__ = ["Answer", "Servers", "Unanswered"]

# What a server may put into one datagram: fits into what every network carries unfragmented.
UDP_BYTES = 1232
_TRY_NEXT = (dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP, dns.rcode.FORMERR)


class Unanswered(Exception):
    """No server gave an answer in time."""


class Answer:
    """What a server said of a name. records: empty where the name has none of that type; exists: False for NXDOMAIN."""

    def __init__(self, message: dns.message.QueryMessage) -> None:
        chain = message.resolve_chaining()
        self.exists = message.rcode() != dns.rcode.NXDOMAIN
        self.name = chain.canonical_name.to_text(omit_final_dot=True)
        self.aliases = [rrset.name.to_text(omit_final_dot=True) for rrset in chain.cnames]
        self.records: list[Any] = list(chain.answer or ())
        self.lifetime_s = chain.minimum_ttl

    def without_records(self) -> Answer:
        """The same name, with nothing known of it."""
        other = copy(self)
        other.records = []
        return other


class Servers:
    """Those that resolv.conf or `config.resolver_nameservers` names."""

    def __init__(self) -> None:
        system = dns.resolver.Resolver()
        named = config.resolver_nameservers
        self.addresses = [str(server) for server in (system.nameservers if named is None else named)]
        self.port = 53
        self.timeout_s = config.resolver_timeout or system.timeout
        self.lifetime_s = max(system.lifetime, self.timeout_s)
        self._search = list(system.search) or [name for name in (system.domain,) if name and name != dns.name.root]
        self._dots = 1 if system.ndots is None else system.ndots

    def find(self, name: str, kind: str) -> Answer:
        """The answer for the first of the names to try that exists; `name` may lack a domain of the search list."""
        answer = None
        for candidate in self._candidates(dns.name.from_text(name, None)):
            answer = self.ask(candidate, kind)
            if answer.exists:
                break
        assert answer is not None
        return answer

    def _candidates(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        if name.is_absolute():
            yield name
            return
        whole = name.concatenate(dns.name.root)
        first = len(name) > self._dots
        if first:
            yield whole
        for domain in self._search:
            yield name.concatenate(domain)
        if not first:
            yield whole

    def ask(self, name: dns.name.Name, kind: str) -> Answer:
        """One question. Raises Unanswered."""
        question = dns.message.make_query(name, dns.rdatatype.from_text(kind), use_edns=0, payload=UDP_BYTES)
        deadline = clock.now() + self.lifetime_s
        while self.addresses:
            for server in self.addresses:
                left = min(self.timeout_s, deadline - clock.now())
                if left <= 0:
                    raise Unanswered(f"no answer to {name} {kind} in {self.lifetime_s} s from {self.addresses}")
                answer = self._ask_one(question, server, left)
                if answer is not None:
                    return answer
        raise Unanswered(f"there is no name server to ask for {name} {kind}; name some in config.resolver_nameservers")

    def _ask_one(self, question: dns.message.QueryMessage, server: str, timeout_s: float) -> Answer | None:
        deadline = clock.now() + timeout_s
        try:
            message = _by_udp(question, server, self.port, deadline)
            if message.flags & dns.flags.TC:
                message = _by_tcp(question, server, self.port, deadline)
            if message.rcode() in _TRY_NEXT:
                return None
            return Answer(message)
        except (OSError, dns.exception.DNSException, EOFError):
            return None


def _by_udp(question: dns.message.QueryMessage, server: str, port: int, deadline: float) -> Any:
    with _connected(socket.SOCK_DGRAM, server, port, deadline) as connection:
        connection.send(question.to_wire())
        while True:  # what is no answer to this question may be an attempt to pass one off
            connection.settimeout(_left(deadline))
            message = dns.message.from_wire(connection.recv(65535), ignore_trailing=True, raise_on_truncation=False)
            if question.is_response(message):
                return message


def _by_tcp(question: dns.message.QueryMessage, server: str, port: int, deadline: float) -> Any:
    with _connected(socket.SOCK_STREAM, server, port, deadline) as connection:
        wire = question.to_wire()
        connection.sendall(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", _exactly(connection, 2, deadline))
        message = dns.message.from_wire(_exactly(connection, size, deadline))
        if not question.is_response(message):
            raise OSError(f"{server} answered another question")
        return message


def _connected(kind: int, server: str, port: int, deadline: float) -> Any:
    connection = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, kind)
    try:
        connection.settimeout(_left(deadline))
        connection.connect((server, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _exactly(connection: Any, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        connection.settimeout(_left(deadline))
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError(f"the connection ended after {len(data)} of {size} bytes")
        data += more
    return data


def _left(deadline: float) -> float:
    left = deadline - clock.now()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
