"""Transport: messages survive any cutting of the stream, and buffers are not copied into pickles."""

import os
import pickle
import random
import signal
import socket
import threading

import pytest

from plait.parallel.transport.framing import CHUNK_BYTES, Receiver, Sender, pack

MESSAGES = [
    [b"a"],
    [b"", b"bc", b""],
    [b"x" * 1000, b"y" * (CHUNK_BYTES + 17), b"z"],
    [b"q" * (3 * CHUNK_BYTES)],
    [b""],
    [b"m" * (CHUNK_BYTES // 2), b"n" * (CHUNK_BYTES // 2 + 1)],
    [bytes([i % 256]) for i in range(10_000)],  # its head is longer than what is read at once
]


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def wire(messages):
    """The bytes that the messages are sent as."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        data, sender = bytearray(), Sender(ours)
        reader = threading.Thread(target=lambda: [data.extend(piece) for piece in iter(lambda: theirs.recv(999), b"")])
        reader.start()
        for message in messages:
            assert sender.send(message)
        ours.shutdown(socket.SHUT_WR)
        reader.join()
        return bytes(data)


def plain(messages):
    return [[bytes(part) for part in message] for message in messages]


@pytest.mark.parametrize("seed", range(20))
def test_messages_survive_any_cutting(seed, pair):
    ours, theirs = pair
    theirs.setblocking(False)
    source = random.Random(seed)
    receiver, received = Receiver(theirs), []
    data = memoryview(wire(MESSAGES))
    while data:
        size = source.choice([1, 3, 8, 50, 4000, 60_000])
        ours.sendall(data[:size])
        data = data[size:]
        received += receiver.receive()
    while len(received) < len(MESSAGES):
        received += receiver.receive()
    assert plain(received) == MESSAGES
    with pytest.raises(BlockingIOError):
        receiver.receive()
    ours.close()
    with pytest.raises(EOFError):
        receiver.receive()


def test_a_full_socket_keeps_the_rest_for_later(pair):
    ours, theirs = pair
    ours.setblocking(False)
    sender = Sender(ours)
    big, small = bytes(range(256)) * 30_000, b"small"
    assert not sender.send([big])
    assert not sender.send([small])
    assert sender.pending
    receiver, received = Receiver(theirs), []
    while len(received) < 2:
        received += receiver.receive()
        sender.flush()
    assert plain(received) == [[big], [small]]
    assert not sender.pending


def test_a_small_message_that_does_not_fit_is_kept(pair):
    ours, theirs = pair
    ours.setblocking(False)
    theirs.setblocking(False)
    sender, receiver, received = Sender(ours), Receiver(theirs), []
    count = 0
    while not sender.pending:
        sender.send([count.to_bytes(4), b"x" * 1000])
        count += 1
    while len(received) < count:
        received += receiver.receive()
        sender.flush()
    assert [int.from_bytes(message[0]) for message in received] == list(range(count))


def test_sending_to_nobody_is_a_broken_pipe(pair):
    ours, theirs = pair
    theirs.close()
    for message in ([b"small"], [b"large" * 10_000]):
        with pytest.raises(BrokenPipeError):
            Sender(ours).send(message)


def test_open_files_travel_with_their_messages(pair, tmp_path):
    ours, theirs = pair
    names = [tmp_path / str(i) for i in range(3)]
    files = [os.open(name, os.O_CREAT | os.O_RDWR) for name in names]
    sender, receiver, received = Sender(ours), Receiver(theirs), []
    sender.send([b"none"])
    sender.send([b"one", b"y" * 100_000], files[:1])
    sender.send([b"two"], files[1:])
    for fd in files:
        os.close(fd)
    counts = []
    while len(received) < 3:
        messages = receiver.receive()
        received += messages
        counts += [len(receiver.descriptors)] * len(messages)
    assert [bytes(message[0]) for message in received] == [b"none", b"one", b"two"]
    assert counts[1] >= 1
    assert counts[2] == 3
    assert [os.readlink(f"/proc/self/fd/{fd}") for fd in receiver.descriptors] == [str(name) for name in names]
    assert not any(os.get_inheritable(fd) for fd in receiver.descriptors)
    for fd in receiver.descriptors:
        os.close(fd)


def test_a_signal_in_the_middle_of_a_message_loses_nothing_of_it(pair):
    ours, theirs = pair
    sender, receiver = Sender(ours), Receiver(theirs)
    big = bytes(range(256)) * 30_000

    class Interrupted(Exception):
        pass

    def interrupt(_signal, _frame):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)  # while the other end does not read
    try:
        with pytest.raises(Interrupted):
            sender.send([big])
    finally:
        signal.signal(signal.SIGALRM, before)
    rest = threading.Thread(target=sender.flush)
    rest.start()
    received = []
    while not received:
        received = receiver.receive()
    rest.join()
    assert plain(received) == [[big]]


def test_buffers_travel_beside_the_pickle_and_arrive_writable(pair):
    payload = bytearray(b"7" * (2 * CHUNK_BYTES))
    parts = pack(pickle.PickleBuffer(payload), pickle.dumps)
    assert len(parts[0]) < 100
    ours, theirs = pair
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
