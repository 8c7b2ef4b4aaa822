"""Cooperative sockets over loopback: waiting, faults, descriptors."""

import errno
import gc
import os
import socket as stdlib
import struct
import threading

import pytest

from plait import green
from plait.green import socket
from plait.green.socket import create_connection, create_server, socketpair


@pytest.fixture
def pair():
    one, other = socketpair()
    yield one, other
    one.close()
    other.close()


@pytest.fixture
def listener():
    with create_server(("127.0.0.1", 0)) as listener:
        yield listener


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def test_a_receiver_parks_until_there_is_something(pair):
    one, other = pair
    receiver = green.spawn(one.recv, 100)
    green.sleep(0)
    assert not receiver.ready()
    other.sendall(b"hello")
    assert receiver.get(timeout=10) == b"hello"


def test_all_ways_to_receive_and_send(pair):
    one, other = pair
    buffer = bytearray(10)
    other.send(b"a")
    assert one.recv_into(buffer) == 1
    other.sendmsg([b"b", b"c"])
    assert one.recvfrom(10)[0] == b"bc"
    other.sendall(memoryview(b"de"))
    assert one.recvfrom_into(buffer)[0] == 2
    other.send(b"f")
    assert one.recvmsg(10)[0] == b"f"
    other.send(b"g")
    assert one.recvmsg_into([buffer])[0] == 1
    assert buffer[:2] == b"ge"


def test_sendall_of_more_than_the_kernel_takes(pair):
    one, other = pair
    data = os.urandom(3_000_000)
    sender = green.spawn(other.sendall, data)
    received = bytearray()
    while len(received) < len(data):
        received += one.recv(65536)
    sender.get(timeout=10)
    assert received == data


def test_a_slow_reader_holds_up_nobody_else(pair):
    one, other = pair
    sender = green.spawn(other.sendall, b"x" * 3_000_000)
    ticks = [green.spawn(green.sleep, 0.001) for _ in range(10)]
    assert len(green.joinall(ticks, timeout=10)) == 10
    assert not sender.ready()
    sender.kill()


def test_timeouts(pair):
    one, other = pair
    assert one.gettimeout() is None and one.getblocking()
    one.settimeout(0.01)
    assert one.gettimeout() == one.timeout == 0.01
    with pytest.raises(TimeoutError, match="timed out"):
        one.recv(1)
    one.setblocking(False)
    with pytest.raises(BlockingIOError):
        one.recv(1)
    with pytest.raises(ValueError):
        one.settimeout(-1)
    other.settimeout(0.05)
    with pytest.raises(TimeoutError):
        other.sendall(b"x" * 10_000_000)


def test_a_connection_over_loopback(listener):
    def serve():
        connection, address = listener.accept()
        with connection:
            connection.sendall(connection.recv(100).upper())
        return address

    server = green.spawn(serve)
    with create_connection(listener.getsockname(), timeout=10) as client:
        client.sendall(b"shout")
        assert client.recv(100) == b"SHOUT"
        assert client.recv(100) == b""
        assert server.get(timeout=10) == client.getsockname()
    assert client.type == stdlib.SOCK_STREAM


def test_makefile_reads_lines_cooperatively(pair):
    one, other = pair
    ticks = []

    def ticker():
        for _ in range(3):
            green.sleep(0.001)
            ticks.append(1)
        other.sendall(b"one\ntwo\n")
        other.shutdown(stdlib.SHUT_WR)

    runner = green.spawn(ticker)
    with one.makefile("r") as lines:
        assert list(lines) == ["one\n", "two\n"]
    runner.join()
    assert len(ticks) == 3


def test_half_close_both_ways(pair):
    one, other = pair
    one.sendall(b"last words")
    one.shutdown(stdlib.SHUT_WR)
    assert other.recv(100) == b"last words"
    assert other.recv(100) == b""
    other.sendall(b"reply")
    assert one.recv(100) == b"reply"
    other.shutdown(stdlib.SHUT_WR)
    assert one.recv(100) == b""


def test_a_refused_connection():
    with create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionRefusedError):
        create_connection(address)
    sock = socket.socket()
    assert sock.connect_ex(address) == errno.ECONNREFUSED
    sock.close()


def test_a_connect_that_nobody_answers_times_out(listener):
    listener.listen(0)
    before = descriptors()
    waiting = []
    with pytest.raises(TimeoutError):
        for _ in range(10):  # the kernel lets a few in before it is full
            waiting.append(create_connection(listener.getsockname(), timeout=0.2))
    for client in waiting:
        client.close()
    assert descriptors() == before


def test_reset_in_the_middle_of_a_send(listener):
    def serve():
        connection, _ = listener.accept()
        connection.recv(10)
        connection.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    server = green.spawn(serve)
    with create_connection(listener.getsockname()) as client, pytest.raises((ConnectionResetError, BrokenPipeError)):
        for _ in range(100):
            client.sendall(b"x" * 1_000_000)
    server.join()


def test_close_during_a_wait_wakes_the_waiter(pair):
    one, _ = pair
    readers = [green.spawn(lambda: pytest.raises(OSError, one.recv, 1).value.errno) for _ in range(3)]
    green.sleep(0)
    one.close()
    assert [runner.get(timeout=10) for runner in readers] == [errno.EBADF] * 3
    with pytest.raises(OSError):
        one.recv(1)


def test_a_close_by_another_thread_wakes_the_waiter(pair):
    one, _ = pair
    reader = green.spawn(lambda: pytest.raises(OSError, one.recv, 1).value.errno)
    green.sleep(0)
    thread = threading.Thread(target=one.close)
    thread.start()
    assert reader.get(timeout=10) == errno.EBADF
    thread.join()


def test_the_number_of_a_closed_socket_is_watched_anew():
    for _ in range(50):
        one, other = socketpair()
        reader = green.spawn(one.recv, 1)
        green.sleep(0)
        other.send(b"x")
        assert reader.get(timeout=10) == b"x"
        one.close()
        other.close()


def test_a_detached_number_is_watched_anew():
    one, other = socketpair()
    reader = green.spawn(one.recv, 1)
    green.sleep(0)
    other.send(b"x")
    reader.get(timeout=10)
    again = socket.socket(fileno=one.detach())
    reader = green.spawn(again.recv, 1)
    green.sleep(0)
    other.send(b"y")
    assert reader.get(timeout=10) == b"y"
    again.close()
    other.close()


def test_several_wait_for_one_socket_and_one_gets_it(pair):
    one, other = pair
    one.settimeout(10)
    readers = [green.spawn(one.recv, 1) for _ in range(5)]
    green.sleep(0)
    for _ in range(5):
        other.send(b"x")
        green.sleep(0)
    assert [runner.get(timeout=10) for runner in readers] == [b"x"] * 5


def test_readers_and_writers_of_one_socket_at_a_time(pair):
    one, other = pair
    data = b"z" * 2_000_000
    writer = green.spawn(one.sendall, data)
    reader = green.spawn(one.recv, 10)
    green.sleep(0)
    other.send(b"back")
    assert reader.get(timeout=10) == b"back"
    received = 0
    while received < len(data):
        received += len(other.recv(100_000))
    writer.get(timeout=10)


def test_a_socket_that_is_always_ready_lets_others_run(pair):
    one, other = pair
    ticks = []

    def ticker():
        while True:
            ticks.append(1)
            green.sleep(0)

    runner = green.spawn(ticker)
    for _ in range(1000):
        other.send(b"x")
        one.recv(1)
    runner.kill()
    assert len(ticks) >= 5


def test_a_killed_receiver_has_taken_nothing(pair):
    one, other = pair
    receiver = green.spawn(one.recv, 10)
    green.sleep(0)
    other.send(b"data")
    receiver.kill(block=False)
    receiver.join()
    assert one.recv(10) == b"data" if receiver.value != b"data" else True


def test_dup_and_fromfd_and_the_standard_librarys_names(pair):
    one, other = pair
    one.settimeout(3)
    with one.dup() as copy:
        assert isinstance(copy, socket.socket) and isinstance(copy, stdlib.socket)
        assert copy.gettimeout() == 3
        other.send(b"x")
        assert copy.recv(1) == b"x"
    with socket.fromfd(one.fileno(), stdlib.AF_UNIX, stdlib.SOCK_STREAM) as copy:
        other.send(b"y")
        assert copy.recv(1) == b"y"
    assert socket.AF_INET == stdlib.AF_INET and socket.error is OSError
    with pytest.raises(AttributeError):
        socket.no_such_name


def test_datagrams():
    with socket.socket(type=stdlib.SOCK_DGRAM) as one, socket.socket(type=stdlib.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        receiver = green.spawn(one.recvfrom, 100)
        green.sleep(0)
        other.sendto(b"datagram", one.getsockname())
        assert receiver.get(timeout=10)[0] == b"datagram"


def test_sendfile(pair, tmp_path):
    one, other = pair
    (tmp_path / "file").write_bytes(b"content")
    with open(tmp_path / "file", "rb") as file:
        assert other.sendfile(file) == 7
    assert one.recv(100) == b"content"


def test_a_number_needs_no_look_up():
    assert socket.getaddrinfo("127.0.0.1", 80, type=stdlib.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    with pytest.raises(stdlib.gaierror):
        socket.getaddrinfo("not a number", 80, flags=stdlib.AI_NUMERICHOST)


def test_connections_that_come_and_go_leave_no_descriptor(listener):
    def serve():
        while True:
            connection, _ = listener.accept()
            green.spawn(answer, connection)

    def answer(connection):
        with connection:
            connection.sendall(connection.recv(10))

    def ask():
        with create_connection(listener.getsockname()) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"

    server = green.spawn(serve)
    before = descriptors()
    for _ in range(10):
        green.joinall([green.spawn(ask) for _ in range(20)], raise_error=True)
    green.sleep(0.01)
    server.kill()
    assert descriptors() == before
    assert green.get_hub().descriptors.waiting == 0


def test_a_timeout_that_is_no_number_is_named(pair):
    with pytest.raises(TypeError, match="timeout='5' is not a number"):
        pair[0].settimeout("5")


def test_a_port_that_is_none_is_refused_as_the_standard_library_refuses_it():
    with socket.socket() as connection, pytest.raises(OverflowError, match="0-65535"):
        connection.connect_ex(("127.0.0.1", 65539))
    with socket.socket() as connection, pytest.raises(OverflowError, match="0-65535"):
        connection.connect(("localhost", 65539))


def test_waiting_for_a_watcher_ends_when_it_fires_or_in_time():
    loop = green.get_hub().loop
    socket.wait(loop.timer(0.001), timeout=10)
    with pytest.raises(stdlib.timeout):
        socket.wait(loop.timer(10), timeout=0.001)
    with pytest.raises(LookupError):
        socket.wait(loop.timer(10), timeout=0.001, timeout_exc=LookupError)


@pytest.mark.parametrize("call", [
    lambda sock: sock.recv(1, stdlib.MSG_DONTWAIT),
    lambda sock: sock.recv_into(bytearray(1), 1, stdlib.MSG_DONTWAIT | stdlib.MSG_PEEK),
    lambda sock: sock.recvfrom(1, stdlib.MSG_DONTWAIT),
    lambda sock: sock.recvfrom_into(bytearray(1), 1, stdlib.MSG_DONTWAIT),
    lambda sock: sock.recvmsg(1, 0, stdlib.MSG_DONTWAIT),
    lambda sock: sock.recvmsg_into([bytearray(1)], 0, stdlib.MSG_DONTWAIT),
])  # fmt: skip
def test_a_receiver_that_says_so_does_not_wait(pair, call):
    with pytest.raises(BlockingIOError), green.Timeout(10):
        call(pair[0])


@pytest.mark.parametrize("call", [
    lambda sock, data, path: sock.sendto(data, stdlib.MSG_DONTWAIT, path),
    lambda sock, data, path: sock.sendmsg([data], [], stdlib.MSG_DONTWAIT, path),
    lambda sock, data, path: sock.connect(path) or sock.send(data, stdlib.MSG_DONTWAIT),
])  # fmt: skip
def test_a_sender_that_says_so_does_not_wait(tmp_path, call):
    path = str(tmp_path / "receiver")
    with socket.socket(stdlib.AF_UNIX, stdlib.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        with socket.socket(stdlib.AF_UNIX, stdlib.SOCK_DGRAM) as sender, green.Timeout(10):
            with pytest.raises(BlockingIOError):
                for _ in range(100_000):
                    call(sender, b"x" * 1000, path)


@pytest.mark.parametrize("kind", [stdlib.SOCK_SEQPACKET, stdlib.SOCK_DGRAM])
def test_messages_that_are_there_are_all_received(kind):
    one, other = socketpair(stdlib.AF_UNIX, kind)
    with one, other:
        for text in (b"first", b"second", b"third"):
            other.send(text)
        with green.Timeout(10):
            assert [one.recv(100) for _ in range(3)] == [b"first", b"second", b"third"]


def test_a_family_and_a_kind_that_have_no_name_are_numbers():
    descriptor = socket.socket().detach()
    with socket.socket(1000, 999, 0, fileno=descriptor) as sock:
        assert (sock.family, sock.type) == (1000, 999)
