"""Streams: a buffered file over a socket, compared with the standard library's; and patience."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import green
from plait.green.http1.errors import ClientTooSlow, ServerStops
from plait.green.http1.stream import Stream, Watch
from plait.green.socket import socketpair


class Wire:
    def __init__(self, pieces):
        self.pieces = list(pieces)

    def recv(self, size):
        return self.pieces.pop(0) if self.pieces else b""


class Raw(io.RawIOBase):
    def __init__(self, wire):
        self.wire = wire

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.wire.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)


CALLS = st.one_of(
    st.tuples(st.sampled_from(["read", "readline", "readinto"]), st.integers(0, 12)),
    st.tuples(st.sampled_from(["read", "readline"]), st.sampled_from([-1, None])),
)


@given(st.lists(st.text("ab\n", min_size=1, max_size=9).map(str.encode), max_size=9), st.lists(CALLS, max_size=9))
def test_it_reads_as_a_buffered_file_does(pieces, calls):
    stream, model = Stream(Wire(pieces), Watch()), io.BufferedReader(Raw(Wire(pieces)))
    for name, argument in calls:
        if name == "readinto":
            ours, theirs = bytearray(argument), bytearray(argument)
            assert stream.readinto(ours) == model.readinto(theirs)
            assert ours == theirs
        else:
            assert getattr(stream, name)(argument) == getattr(model, name)(argument)
    assert list(stream) == list(model)


def test_what_a_file_has():
    stream = Stream(wire := Wire([b"ab\ncd\n", b"ef"]), Watch())
    assert stream.readable() and not stream.closed
    assert stream.peek(1)[:2] == b"ab"
    assert stream.read1(1) == b"a"
    assert stream.readinto1(bytearray(1)) == 1
    assert stream.readlines(2) == [b"\n", b"cd\n"]
    assert stream.read1() == b"ef"
    assert stream.raw._sock is wire
    stream.close()
    assert stream.closed


def test_a_long_send_arrives_whole():
    one, other = socketpair()
    data = bytes(range(256)) * 700
    sender = green.spawn(lambda: (Stream(one, Watch()).send(one, data), one.close()))
    received = b""
    while piece := other.recv(100_000):
        received += piece
    sender.get()
    other.close()
    assert received == data


@pytest.fixture
def watched():
    """A watch, and streams on sockets; (watch, make)."""
    watch, pairs = Watch(), []

    def make(seconds):
        pairs.append(socketpair())
        stream = Stream(pairs[-1][0], watch)
        stream.patience = watch.ticks(seconds)
        watch.add(stream)
        return stream, pairs[-1][1]

    yield watch, make
    for stream in tuple(watch._streams):
        watch.remove(stream)
    for pair in pairs:
        for end in pair:
            end.close()


def test_patience_ends(virtual_clock, watched):
    _, make = watched
    (slow, _), (endless, _), (quick, client) = make(5), make(None), make(30)
    readers = [green.spawn(stream.read, 1) for stream in (slow, endless, quick)]
    begin = virtual_clock.now_ns()
    with pytest.raises(ClientTooSlow):
        readers[0].get()
    assert 5e9 <= virtual_clock.now_ns() - begin <= 8e9
    client.sendall(b"x")
    assert readers[2].get() == b"x"
    green.sleep(1000)
    assert not readers[1].ready()
    readers[1].kill()


def test_a_client_that_takes_nothing_is_given_up(virtual_clock, watched):
    _, make = watched
    stream, _ = make(5)
    with pytest.raises(ClientTooSlow):
        stream.send(stream.sock, bytes(10_000_000))


def test_the_watch_rests_when_it_has_no_streams(virtual_clock, watched):
    watch, make = watched
    stream, _ = make(5)
    green.sleep(3.5)
    assert watch.tick == 4
    watch.remove(stream)
    green.sleep(10)
    assert watch.tick == 4


def test_only_who_is_idle_is_ended(watched):
    watch, make = watched
    (idle, _), (busy, client) = make(None), make(None)
    idle.idle = True
    readers = [green.spawn(stream.read, 1) for stream in (idle, busy)]
    green.sleep(0)
    watch.end_idle()
    with pytest.raises(ServerStops):
        readers[0].get(timeout=10)
    client.sendall(b"x")
    assert readers[1].get(timeout=10) == b"x"
