"""DatagramServer: each datagram in a greenlet of its own."""

import errno
import socket as stdlib

import pytest

from plait import green
from plait.green.event import Event
from plait.green.server import DatagramServer
from plait.green.socket import socket


class Shouting(DatagramServer):
    def handle(self, data, address):
        self.sendto(data.upper(), address)


@pytest.fixture
def serve():
    servers = []

    def start(server):
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop(timeout=0)


def client_of(server):
    client = socket(server.family, stdlib.SOCK_DGRAM)
    client.settimeout(10)
    client.connect(server.address)
    return client


def ask(server, data):
    with client_of(server) as client:
        client.send(data)
        return client.recv(70_000)


def test_it_answers_many(serve):
    server = serve(Shouting(("127.0.0.1", 0)))
    assert server.started and server.server_port > 0
    runners = [green.spawn(ask, server, b"message %d" % number) for number in range(50)]
    assert [runner.get(timeout=10) for runner in runners] == [b"MESSAGE %d" % number for number in range(50)]


def test_a_datagram_comes_whole_and_one_may_be_empty(serve):
    server = serve(Shouting(("127.0.0.1", 0)))
    assert ask(server, b"a" * 60_000) == b"A" * 60_000
    assert ask(server, b"") == b""


def test_what_is_longer_than_max_size_is_cut(serve):
    server = Shouting(("127.0.0.1", 0))
    server.max_size = 3
    assert ask(serve(server), b"abcdef") == b"ABC"


def test_handlers_do_not_wait_for_each_other(serve):
    go, done = Event(), []

    def handle(data, address):
        if data == b"first":
            go.wait(10)
        done.append(data)
        go.set()

    server = serve(DatagramServer(("127.0.0.1", 0), handle))
    with client_of(server) as client:
        client.send(b"first")
        client.send(b"second")
        go.wait(10)
        green.sleep(0)
    assert done == [b"second", b"first"]


def test_a_socket_may_be_passed(serve):
    listener = stdlib.socket(stdlib.AF_INET, stdlib.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    server = serve(Shouting(listener))
    assert server.address == listener.getsockname()
    listener.close()
    assert ask(server, b"passed") == b"PASSED"


def test_stopped_it_leaves_its_address_and_can_start_again(serve):
    server = serve(Shouting(("127.0.0.1", 0)))
    with pytest.raises(OSError, match="in use") as raised:
        Shouting(server.address).start()
    assert raised.value.errno == errno.EADDRINUSE
    server.stop()
    server.start()
    assert ask(server, b"again") == b"AGAIN"


def test_a_client_that_has_gone_is_no_failure(serve, errors):
    """The kernel tells a sender on the next call that nobody took its answer."""
    server = serve(Shouting(("127.0.0.1", 0)))
    with client_of(server) as client:
        server.socket.connect(client.getsockname())  # else the kernel tells nothing
        client.send(b"and gone")
    for _ in range(100):
        green.sleep(0.001)
    assert server.started and not errors


def test_a_port_serves_both_families(serve):
    server = serve(Shouting(":0"))
    assert server.family in (stdlib.AF_INET, stdlib.AF_INET6)
    with socket(stdlib.AF_INET, stdlib.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"four", ("127.0.0.1", server.server_port))
        assert client.recv(100) == b"FOUR"
