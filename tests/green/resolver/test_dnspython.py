"""The resolver that asks name servers: a name server of the test's own answers."""

import socket
import struct

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from plait import green
from plait.green import socket as green_socket
from plait.green.resolver.dnspython import Resolver

ZONE = {
    ("web.test.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("web.test.", "AAAA"): ["2001:db8::1"],
    ("four.test.", "A"): ["192.0.2.4"],
    ("alias.test.", "CNAME"): ["web.test."],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["web.test."],
    ("host.corp.test.", "A"): ["192.0.2.9"],
    ("big.test.", "A"): [f"198.51.100.{n}" for n in range(1, 200)],
}
NAMES = {name for name, _ in ZONE}


class NameServer:
    """Answers by UDP and TCP on one port, from ZONE; counts what it is asked."""

    def __init__(self):
        self.asked = []
        self.silent = 0  # how many datagrams to leave unanswered
        self.rcode = None
        self.forge = False  # send a wrong answer first
        self.listener, self.datagrams, self.port = self.two_of_one_port()
        self.servers = [green.spawn(self.serve_datagrams), green.spawn(self.serve_connections)]

    def two_of_one_port(self):
        while True:
            listener = green_socket.create_server(("127.0.0.1", 0))
            datagrams = green_socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                datagrams.bind(listener.getsockname())
            except OSError:  # another program's
                listener.close()
                datagrams.close()
            else:
                return listener, datagrams, listener.getsockname()[1]

    def close(self):
        green.killall(self.servers)
        self.datagrams.close()
        self.listener.close()

    def serve_datagrams(self):
        while True:
            wire, sender = self.datagrams.recvfrom(65535)
            question = dns.message.from_wire(wire)
            if self.silent:
                self.silent -= 1
                continue
            if self.forge:
                forged = dns.message.make_response(question)
                forged.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", "A", "203.0.113.66"))
                forged.id = (question.id + 1) % 65536
                self.datagrams.sendto(forged.to_wire(), sender)
            answer = self.answer(question, "udp")
            try:
                wire = answer.to_wire(max_size=1232)
            except dns.exception.TooBig:
                short = dns.message.make_response(question)
                short.flags |= dns.flags.TC
                wire = short.to_wire()
            self.datagrams.sendto(wire, sender)

    def serve_connections(self):
        while True:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rb") as data:
                (size,) = struct.unpack("!H", data.read(2))
                wire = self.answer(dns.message.from_wire(data.read(size)), "tcp").to_wire(max_size=65535)
                connection.sendall(struct.pack("!H", len(wire)) + wire)

    def answer(self, question, transport):
        name, kind = question.question[0].name, dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name.to_text(), kind, transport))
        answer = dns.message.make_response(question)
        if self.rcode is not None:
            answer.set_rcode(self.rcode)
            return answer
        text = name.to_text().lower()
        if (text, "CNAME") in ZONE:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", *ZONE[text, "CNAME"]))
            text = ZONE[text, "CNAME"][0]
        if (text, kind) in ZONE:
            answer.answer.append(dns.rrset.from_text(text, 60, "IN", kind, *ZONE[text, kind]))
        elif text not in NAMES:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
def server():
    made = NameServer()
    yield made
    made.close()


@pytest.fixture
def resolver(server):
    made = Resolver()
    made.servers.addresses = ["127.0.0.1"]
    made.servers.port = server.port
    made.servers._search = []
    made.servers.timeout_s, made.servers.lifetime_s = 0.2, 5.0
    yield made
    made.close()


def test_addresses_of_both_families_come_as_the_system_writes_them(resolver):
    found = resolver.getaddrinfo("web.test", "http", 0, socket.SOCK_STREAM)
    assert sorted(found) == [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.2", 80)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0)),
    ]
    only = resolver.getaddrinfo("web.test", 80, socket.AF_INET6, socket.SOCK_STREAM)
    assert [item[4][0] for item in only] == ["2001:db8::1"]


def test_a_name_with_addresses_of_one_family_has_those(resolver):
    found = resolver.getaddrinfo("four.test", 80, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
    assert found == [(socket.AF_INET, socket.SOCK_STREAM, 6, "four.test", ("192.0.2.4", 80))]


def test_the_other_functions(resolver):
    assert resolver.gethostbyname("four.test") == "192.0.2.4"
    name, aliases, addresses = resolver.gethostbyname_ex("alias.test")
    assert (name, aliases, sorted(addresses)) == ("web.test", ["alias.test"], ["192.0.2.1", "192.0.2.2"])
    assert resolver.gethostbyaddr("192.0.2.1") == ("web.test", [], ["192.0.2.1"])
    assert resolver.getnameinfo(("192.0.2.1", 80), 0) == ("web.test", "http")
    assert resolver.getnameinfo(("192.0.2.7", 80), socket.NI_NUMERICSERV) == ("192.0.2.7", "80")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda resolver: resolver.getaddrinfo("no.test", 80), socket.EAI_NONAME),
        (lambda resolver: resolver.gethostbyname("1.2.0.192.in-addr.arpa"), socket.EAI_NODATA),
        (lambda resolver: resolver.getnameinfo(("192.0.2.7", 80), socket.NI_NAMEREQD), socket.EAI_NONAME),
        (lambda resolver: resolver.getaddrinfo("web.test", 80, socket.AF_UNIX), socket.EAI_FAMILY),
    ],
)
def test_failures_have_the_systems_codes(resolver, call, code):
    with pytest.raises(socket.gaierror) as caught:
        call(resolver)
    assert caught.value.args[0] == code


def test_an_address_without_a_name_is_an_herror(resolver):
    with pytest.raises(socket.herror, match="Unknown host"):
        resolver.gethostbyaddr("192.0.2.7")


def test_what_does_not_fit_a_datagram_is_asked_for_by_tcp(resolver, server):
    assert len(resolver.gethostbyname_ex("big.test")[2]) == 199
    assert [transport for *_, transport in server.asked] == ["udp", "tcp"]


def test_a_lost_datagram_is_sent_again(resolver, server):
    server.silent = 1
    assert resolver.gethostbyname("four.test") == "192.0.2.4"


def test_no_answer_is_a_temporary_failure(resolver, server):
    server.silent = 1000
    resolver.servers.timeout_s, resolver.servers.lifetime_s = 0.01, 0.03
    with pytest.raises(socket.gaierror) as caught:
        resolver.getaddrinfo("web.test", 80)
    assert caught.value.args[0] == socket.EAI_AGAIN


def test_a_server_that_fails_is_followed_by_the_next(resolver, server):
    server.rcode = dns.rcode.SERVFAIL
    resolver.servers.lifetime_s = 0.03
    with pytest.raises(socket.gaierror) as caught:
        resolver.gethostbyname("web.test")
    assert caught.value.args[0] == socket.EAI_AGAIN and len(server.asked) > 1


def test_an_answer_to_another_question_is_passed_over(resolver, server):
    server.forge = True
    assert resolver.gethostbyname("four.test") == "192.0.2.4"


def test_answers_are_kept_as_long_as_they_say(resolver, server):
    for _ in range(3):
        assert resolver.gethostbyname("four.test") == "192.0.2.4"
    assert len(server.asked) == 1


def test_short_names_are_looked_for_in_the_domains_of_the_search_list(resolver, server):
    resolver.servers._search = [dns.name.from_text("empty.test."), dns.name.from_text("corp.test.")]
    assert resolver.gethostbyname("host") == "192.0.2.9"
    assert [name for name, *_ in server.asked] == ["host.empty.test.", "host.corp.test."]


def test_what_needs_no_network_asks_nobody(resolver, server):
    assert resolver.gethostbyname("localhost") == "127.0.0.1"
    assert resolver.getaddrinfo("::1", 80, 0, socket.SOCK_STREAM)[0][4][0] == "::1"
    assert server.asked == []


def test_many_lookups_wait_at_the_same_time(resolver, server):
    server.silent = 0
    asking = [green.spawn(resolver.gethostbyname, f"n{n}.test") for n in range(50)]
    ZONE.update({(f"n{n}.test.", "A"): [f"203.0.113.{n}"] for n in range(50)})
    try:
        assert [greenlet.get() for greenlet in asking] == [f"203.0.113.{n}" for n in range(50)]
    finally:
        for n in range(50):
            del ZONE[f"n{n}.test.", "A"]


def test_who_is_killed_while_it_asks_leaves_nothing_open(resolver, server):
    server.silent = 1000
    asking = green.spawn(resolver.getaddrinfo, "web.test", 80)
    with green.Timeout(10):
        while server.silent == 1000:
            green.sleep(0.001)
    asking.kill()
    assert isinstance(asking.value, green.GreenletExit)
