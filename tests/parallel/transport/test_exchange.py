import errno
import os
import socket

import pytest

from plait.parallel._native.framing import Receiver, Sender
from plait.parallel._native.memory import Mapping
from plait.parallel.transport import exchange
from plait.parallel.transport.exchange import COPY, PRIVATE, READ, SHARED, Enclosure, Exports, Imports, close_all
from plait.parallel.transport.segments import SegmentPool

KB = 1 << 10


class Side:
    """A writer and a reader, as two processes have them."""

    def __init__(self, keep_bytes=1 << 20):
        self.segments = SegmentPool(keep_bytes)
        self.exports = Exports()
        self.imports = Imports()
        self.sockets = socket.socketpair()
        self.sender = Sender(self.sockets[0])
        self.receiver = Receiver(self.sockets[1])

    def segment(self, data):
        segment = self.segments.take(len(data))
        segment.write([data])
        return segment

    def send(self, *enclosures):
        """The note, as it arrives, and where its descriptors are."""
        note, descriptors = self.exports.enclose(enclosures)
        self.sender.send([b"x"], descriptors)
        self.receiver.receive()
        return note

    def close(self):
        for end in self.sockets:
            end.close()
        self.exports.abandon()
        close_all(self.receiver.descriptors)
        self.segments.trim()


@pytest.fixture
def side():
    before = sorted(os.listdir("/proc/self/fd"))
    made = Side()
    yield made
    made.close()
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_parts_arrive_where_the_note_says(side):
    whole, bundle = side.segment(b"w" * 8 * KB), side.segment(b"abcdefgh")
    note = side.send(
        Enclosure(1, whole, 0, 8 * KB, READ), Enclosure(2, bundle, 0, 3, COPY), Enclosure(4, bundle, 3, 5, COPY)
    )
    parts = [b"0", b"", b"", b"3", b""]
    side.imports.open(note, parts, side.receiver.descriptors)
    assert isinstance(parts[1], Mapping)
    assert [bytes(part) for part in parts] == [b"0", b"w" * 8 * KB, b"abc", b"3", b"defgh"]
    assert side.receiver.descriptors == []


@pytest.mark.parametrize(
    ("how", "writable", "reaches"), [(READ, False, False), (PRIVATE, True, False), (SHARED, True, True)]
)
def test_who_sees_what_a_reader_writes(side, how, writable, reaches):
    segment = side.segment(b"a" * 4 * KB)
    parts = [b""]
    side.imports.open(side.send(Enclosure(0, segment, 0, 4 * KB, how)), parts, side.receiver.descriptors)
    view = memoryview(parts[0])
    assert view.readonly is not writable
    if writable:
        view[0] = ord("b")
        assert (os.pread(segment.fd, 1, 0) == b"b") is reaches


def test_a_lease_lasts_as_long_as_the_mapping(side):
    segment = side.segment(b"a" * 4 * KB)
    inode = segment.inode
    parts = [b""]
    side.imports.open(side.send(Enclosure(0, segment, 0, 4 * KB, READ)), parts, side.receiver.descriptors)
    del segment
    assert side.imports.take_words() == ()
    assert side.segments.take(4 * KB).inode != inode
    view = memoryview(parts.pop())[5:9]
    assert side.imports.take_words() == ()
    view.release()
    words = side.imports.take_words()
    assert len(words) == 1 and side.imports.take_words() == ()
    side.exports.release(words)
    assert len(side.exports) == 0
    assert inode in [segment.inode for segment in [side.segments.take(4 * KB) for _ in range(2)]]


def test_what_was_copied_is_released_at_once_and_what_is_not_kept_is_given_away():
    side = Side(keep_bytes=4 * KB)
    copied, given = side.segment(b"a" * 4 * KB), side.segment(b"b" * 8 * KB)
    assert (copied.kept, given.kept) == (True, False)
    parts = [b"", b""]
    note = side.send(Enclosure(0, copied, 0, 4 * KB, COPY), Enclosure(1, given, 0, 8 * KB, READ))
    side.imports.open(note, parts, side.receiver.descriptors)
    fd = given.fd
    side.exports.sent(note)
    assert list(side.exports.leases.values()) == [copied]
    side.exports.release(side.imports.take_words())
    assert len(side.exports) == 0
    del copied, given
    assert not os.path.exists(f"/proc/self/fd/{fd}")
    assert bytes(parts[1]) == b"b" * 8 * KB  # the kernel keeps it for whoever has it mapped
    side.close()


@pytest.mark.parametrize("ending", ["word", "death"])
def test_what_unknown_readers_may_hold_is_never_written_again(side, ending):
    segment = side.segment(b"a" * 4 * KB)
    parts = [b""]
    side.imports.open(side.send(Enclosure(0, segment, 0, 4 * KB, READ)), parts, side.receiver.descriptors)
    del segment
    if ending == "death":
        side.exports.abandon()
    else:
        pid = os.fork()  # the child has the mapping too
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        parts.clear()
        words = side.imports.take_words()
        assert words[0] < 0
        side.exports.release(words)
    assert side.segments.idle_bytes == 0


def test_without_room_for_mappings_the_bytes_are_copied(side, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOMEM, "too many mappings")

    segment = side.segment(b"a" * 4 * KB)
    note = side.send(Enclosure(0, segment, 0, 4 * KB, READ))
    with monkeypatch.context() as patch:
        patch.setattr(exchange, "Mapping", type("Mapping", (), {"__new__": refuse}))
        parts = [b""]
        side.imports.open(note, parts, side.receiver.descriptors)
    assert parts == [b"a" * 4 * KB]
    assert len(side.imports.take_words()) == 1


def test_a_lost_descriptor_loses_its_part_alone(side):
    """The next message's descriptors may be there already, and must not be taken for the lost ones."""
    first, second, third = (side.segment(letter * 4 * KB) for letter in (b"a", b"b", b"c"))
    lost = side.send(Enclosure(0, first, 0, 4 * KB, READ), Enclosure(1, second, 0, 4 * KB, READ))
    os.close(side.receiver.descriptors.pop(0))
    later = side.send(Enclosure(0, third, 0, 4 * KB, READ))
    parts = [b"", b""]
    side.imports.open(lost, parts, side.receiver.descriptors)
    assert isinstance(parts[0], OSError) and parts[0].errno == errno.EMFILE
    assert bytes(parts[1]) == b"b" * 4 * KB
    parts = [b""]
    side.imports.open(later, parts, side.receiver.descriptors)
    assert bytes(parts[0]) == b"c" * 4 * KB


def test_a_segment_that_is_too_short_is_an_error(side):
    segment = side.segment(b"a" * 4 * KB)
    parts = [b""]
    side.imports.open(side.send(Enclosure(0, segment, 0, 64 * KB, COPY)), parts, side.receiver.descriptors)
    assert isinstance(parts[0], OSError) and parts[0].errno == errno.EIO
