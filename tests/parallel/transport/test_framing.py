"""Transport: messages survive any cutting of the stream, and buffers are not copied into pickles."""

import pickle
import random
import socket

import pytest

from plait.parallel.transport.framing import CHUNK_BYTES, Receiver, Sender, pack


class Dripping:
    """A stream that gives its bytes in pieces of random size."""

    def __init__(self, data, seed):
        self.data = memoryview(data)
        self.random = random.Random(seed)

    def recv(self, size):
        piece = self.data[: self.random.randint(1, min(size, 50))]
        self.data = self.data[len(piece) :]
        return bytes(piece)

    def recv_into(self, buffer):
        piece = self.recv(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class Collecting:
    def __init__(self):
        self.data = bytearray()

    def sendmsg(self, buffers):
        everything = b"".join(buffers)
        taken = everything[: max(1, len(everything) // 3)]  # a socket that takes little at a time
        self.data += taken
        return len(taken)


MESSAGES = [
    [b"a"],
    [b"", b"bc", b""],
    [b"x" * 1000, b"y" * (CHUNK_BYTES + 17), b"z"],
    [b"q" * (3 * CHUNK_BYTES)],
    [b""],
]


@pytest.mark.parametrize("seed", range(20))
def test_messages_survive_any_cutting(seed):
    stream = Collecting()
    sender = Sender(stream)
    for message in MESSAGES:
        assert sender.send(message)
    receiver = Receiver(Dripping(bytes(stream.data), seed))
    received = []
    while len(received) < len(MESSAGES):
        received += receiver.receive()
    assert [[bytes(part) for part in message] for message in received] == MESSAGES
    with pytest.raises(EOFError):
        receiver.receive()


def test_a_full_socket_keeps_the_rest_for_later():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        sender = Sender(ours)
        big = bytes(8_000_000)
        assert not sender.send([big])
        assert sender.pending
        receiver, received = Receiver(theirs), []
        while not received:
            received = receiver.receive()
            sender.flush()
        assert received == [[big]]
        assert not sender.pending


def test_buffers_travel_beside_the_pickle_and_arrive_writable():
    payload = bytearray(b"7" * (2 * CHUNK_BYTES))
    parts = pack(pickle.PickleBuffer(payload), pickle.dumps)
    assert len(parts[0]) < 100
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        sender, receiver, received = Sender(ours), Receiver(theirs), []
        sender.send(parts)
        while not received:
            received = receiver.receive()
            sender.flush()
    ((head, *buffers),) = received
    arrived = pickle.loads(head, buffers=buffers)
    assert arrived == payload
    memoryview(arrived)[0] = 0
