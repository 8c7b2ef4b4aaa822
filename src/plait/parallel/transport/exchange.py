"""What of a message lies in segments: the writer's leases, the reader's mappings, and the words between them.

    writer                                         reader
    Exports.enclose() -- note, descriptors -->     Imports.open(): maps or copies what the note says
    Exports.release() <-- words ------------       a mapping died: its lease is a word (Imports.take_words())

Both ends of a channel have both: arguments go one way, results the other. The note and the words ride in the heads of
ordinary messages. A segment that is not kept has no lease: the kernel holds it on its way, and then the reader.

An Exports belongs to the thread that sends; an Imports to the one that receives, but its mappings may die anywhere.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from plait.parallel._native.memory import Mapping
from plait.parallel.transport.segments import Segment

# How a part reaches the reader's values.
COPY = 0  # read into memory of the reader's own
READ = 1  # mapped, not writable
PRIVATE = 2  # mapped; what the reader writes is its own
SHARED = 3  # mapped; what the reader writes, all see

DESCRIPTORS_MAX = 64  # of one message

Leased: TypeAlias = tuple[int, int]
# What tells a reader where its parts are: (inode, lease, 0 for none) of each descriptor that comes along, and (part,
# which descriptor, offset, length, how) of each enclosed part.
Note: TypeAlias = tuple[list[Leased], list[tuple[int, int, int, int, int]]]


class Enclosure(NamedTuple):
    """Where a part of a message lies."""

    part: int
    segment: Segment
    offset: int
    nbytes: int
    how: int


class Exports:
    """Segments of this process's that the other end of a channel reads."""

    def __init__(self) -> None:
        self._leases: dict[int, Segment] = {}
        self._passing: list[Segment] = []  # their descriptors are not sent yet
        self._last = 0

    def enclose(self, enclosures: Iterable[Enclosure]) -> tuple[Note, list[int]]:
        """The note to send, and the descriptors to send with it, which stay open until sent() is called."""
        places: dict[Segment, int] = {}
        parts = []
        for part, segment, offset, nbytes, how in enclosures:
            place = places.setdefault(segment, len(places))
            parts.append((part, place, offset, nbytes, how))
        leased = []
        for segment in places:
            self._last += 1
            if segment.kept:
                self._leases[self._last] = segment
            else:
                self._passing.append(segment)
            leased.append((segment.inode, self._last if segment.kept else 0))
        return (leased, parts), [segment.fd for segment in places]

    def sent(self) -> None:
        """All that was enclosed is on its way."""
        self._passing.clear()

    def release(self, words: Iterable[int]) -> None:
        """The other end has let go of these leases; of negative ones a child of its own may not have."""
        for word in words:
            segment = self._leases.pop(abs(word), None)
            if segment is not None and word < 0:
                segment.spoiled = True

    def abandon(self) -> None:
        """The other end has died, and may have left children."""
        for segment in self._leases.values():
            segment.spoiled = True
        self._leases.clear()
        self._passing.clear()

    def __len__(self) -> int:
        return len(self._leases)


class Imports:
    """What this process reads of the other end's segments."""

    def __init__(self) -> None:
        self._words: list[int] = []  # mappings append to it when they die

    def open(self, note: Note, parts: list[Any], descriptors: list[int]) -> None:
        """Put what the note says in its place among the parts. Takes the descriptors, closes them, and never raises.

        A part that cannot be had becomes an OSError, for `pickling.unpack_value` to raise.
        """
        leased, placed = note
        taken = _take(leased, descriptors)
        for part, place, offset, nbytes, how in placed:
            fd = taken[place]
            parts[part] = _lost() if fd is None else self._part(fd, leased[place], offset, nbytes, how)
        for fd in taken:
            if fd is not None:
                os.close(fd)
        mapped = {place for part, place, *_ in placed if isinstance(parts[part], Mapping)}
        self._words += [lease for place, (_, lease) in enumerate(leased) if lease and place not in mapped]

    def _part(self, fd: int, leased: Leased, offset: int, nbytes: int, how: int) -> Any:
        _, lease = leased
        if how != COPY:
            try:
                words = self._words if lease else None
                return Mapping(fd, nbytes, how != READ, how != PRIVATE, False, words, lease)
            except OSError:  # no more mappings for this process
                pass
        data = bytearray(nbytes)
        try:
            _read(fd, memoryview(data), offset)
        except OSError as error:
            return error.with_traceback(None)  # whose frames would keep the caller's
        return data

    def take_words(self) -> Sequence[int]:
        """Leases that have ended since the last time."""
        count = len(self._words)  # others may be appended meanwhile
        if not count:
            return ()
        words = self._words[:count]
        del self._words[:count]
        return words


def _lost() -> OSError:
    """The kernel gives no descriptor to a process that has as many as it may."""
    return OSError(errno.EMFILE, "a large buffer was lost on its way, since this process has too many open files")


def _take(leased: Sequence[Leased], descriptors: list[int]) -> list[int | None]:
    """Each segment's descriptor. Where some were lost, what came may be a later message's, so they are compared."""
    taken: list[int | None] = []
    for inode, _ in leased:
        if descriptors and os.fstat(descriptors[0]).st_ino == inode:
            taken.append(descriptors.pop(0))
        else:
            taken.append(None)
    return taken


def close_all(descriptors: list[int]) -> None:
    """Close descriptors that came for nobody."""
    while descriptors:
        os.close(descriptors.pop())


def _read(fd: int, data: memoryview, offset: int) -> None:
    while data.nbytes:
        count = os.preadv(fd, [data], offset)
        if not count:
            raise OSError(errno.EIO, "a segment is shorter than its note says")
        data = data[count:]
        offset += count
