"""StreamServer: serving, stopping, limits, faults."""

import errno
import os

import pytest

from plait import green
from plait.green.pool import Pool
from plait.green.server import StreamServer
from plait.green.socket import create_connection, create_server


def echo(connection, address):
    while data := connection.recv(1000):
        connection.sendall(data)


def ask(server, text=b"hello"):
    with create_connection(server.address, timeout=10) as client:
        client.sendall(text)
        return client.recv(1000)


@pytest.fixture
def serve():
    servers = []

    def start(*args, **kwargs):
        server = StreamServer(*args, **kwargs)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop(timeout=0)


def test_it_serves_many_at_a_time(serve):
    server = serve(("127.0.0.1", 0), echo)
    assert server.started and not server.closed and server.server_port > 0 and server.server_host == "127.0.0.1"
    texts = [b"%d" % number for number in range(50)]
    runners = [green.spawn(ask, server, text) for text in texts]
    assert [runner.get(timeout=10) for runner in runners] == texts


def test_stopped_it_refuses_and_can_start_again(serve):
    server = serve(("127.0.0.1", 0), echo)
    assert ask(server) == b"hello"
    server.stop()
    assert server.closed and not server.started
    with pytest.raises(ConnectionRefusedError):
        ask(server)
    server.start()
    assert ask(server) == b"hello"
    with pytest.raises(RuntimeError, match="started already"):
        server.start()


def test_a_listener_may_be_passed(serve):
    server = serve(create_server(("127.0.0.1", 0)), echo)
    assert ask(server) == b"hello"
    server.stop()
    with pytest.raises(RuntimeError, match="make a new server"):
        server.start()
    with pytest.raises(TypeError, match="backlog=5"):
        StreamServer(create_server(("127.0.0.1", 0)), backlog=5)


@pytest.mark.parametrize("spawn", ["default", "raw", 3, Pool(3), None, green.spawn])
def test_ways_to_spawn(serve, spawn):
    server = serve(("127.0.0.1", 0), echo, spawn=spawn)
    assert [ask(server) for _ in range(5)] == [b"hello"] * 5


def test_a_pool_limits_what_is_served_at_a_time(serve):
    running, most = [], []

    def slow(connection, address):
        running.append(1)
        most.append(len(running))
        green.sleep(0.005)
        running.pop()
        connection.sendall(b"done")

    server = serve(("127.0.0.1", 0), slow, spawn=2)
    runners = [green.spawn(ask, server) for _ in range(8)]
    assert [runner.get(timeout=10) for runner in runners] == [b"done"] * 8
    assert max(most) == 2


def test_a_failing_handler_closes_its_connection_and_harms_no_other(serve, errors):
    def handle(connection, address):
        if connection.recv(10) == b"fail":
            raise KeyError("handler")
        connection.sendall(b"fine")

    server = serve(("127.0.0.1", 0), handle)
    assert ask(server, b"fail") == b""
    assert ask(server, b"ok") == b"fine"
    assert [type(error) for _, error in errors] == [KeyError]


def test_stop_waits_for_requests_and_kills_those_that_last(serve):
    ended = []

    def handle(connection, address):
        try:
            green.sleep(100 if connection.recv(1) == b"l" else 0.01)
            ended.append("served")
        finally:
            ended.append("closed")

    server = serve(("127.0.0.1", 0), handle, spawn=Pool())
    clients = [create_connection(server.address) for _ in range(2)]
    for client, kind in zip(clients, (b"l", b"s")):
        client.sendall(kind)
    while len(server.pool) < 2:
        green.sleep(0.001)
    server.stop(timeout=0.1)
    assert ended == ["served", "closed", "closed"]
    for client in clients:
        assert client.recv(1) == b""
        client.close()


def test_serve_forever_until_stopped():
    server = StreamServer(("127.0.0.1", 0), echo)
    runner = green.spawn(server.serve_forever)
    green.sleep(0)
    assert ask(server) == b"hello"
    server.stop()
    runner.get(timeout=10)


def test_out_of_descriptors_it_tries_again(serve, errors, monkeypatch):
    server = serve(("127.0.0.1", 0), echo)
    server.delay = server.min_delay = 0.001
    accept, left = server.do_read, [2]

    def fails():
        if left[0]:
            left[0] -= 1
            raise OSError(errno.EMFILE, "too many")
        return accept()

    monkeypatch.setattr(server, "do_read", fails)
    assert ask(server) == b"hello"
    assert [error.errno for _, error in errors] == [errno.EMFILE] * 2


def test_addresses():
    assert StreamServer("127.0.0.1:80").address == ("127.0.0.1", 80)
    assert StreamServer(":80").address == ("", 80)
    assert StreamServer("[::1]:80").address == ("::1", 80)
    assert StreamServer(8080).server_port == 8080
    for wrong in ("nowhere", None, 5.5):
        with pytest.raises(ValueError, match="is no address"):
            StreamServer(wrong)
    with pytest.raises(TypeError, match="spawn='no way'"):
        StreamServer(("127.0.0.1", 0), spawn="no way")
    assert "closed" in repr(StreamServer(8080))


def test_slow_clients_hold_up_nobody(serve):
    server = serve(("127.0.0.1", 0), echo)
    slow = [create_connection(server.address) for _ in range(100)]
    assert ask(server) == b"hello"
    for client in slow:
        client.close()


def test_churn_leaves_no_descriptor(serve):
    server = serve(("127.0.0.1", 0), echo)
    ask(server)
    green.sleep(0.01)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        green.joinall([green.spawn(ask, server) for _ in range(30)], raise_error=True)
    green.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) == before
