"""What of a message lies in segments: the writer's leases, the reader's mappings, and the words between them.

    writer                                         reader
    Exports.enclose() -- note, descriptors -->     Imports.open(): maps or copies what the note says
    Exports.release() <-- words ------------       a mapping died: its lease is a word (Imports.take_words())

Both ends of a channel have both: arguments go one way, results the other. The note and the words ride in the heads of
ordinary messages. The lease of a segment that is not kept ends as soon as the reader has it: the word comes at once.

An Exports belongs to the thread that sends; an Imports to the one that receives, but its mappings may die anywhere.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from plait.parallel._native.memory import Mapping, read
from plait.parallel.transport.segments import Segment

# How a part reaches the reader's values.
COPY = 0  # read into memory of the reader's own
READ = 1  # mapped, not writable
PRIVATE = 2  # mapped; what the reader writes is its own
SHARED = 3  # mapped; what the reader writes, all see

DESCRIPTORS_MAX = 64  # of one message

_leases = count(1)

Leased: TypeAlias = tuple[int, int, bool]
# What tells a reader where its parts are: (inode, lease, kept) of each descriptor that comes along, and (part, which
# descriptor, offset, length, how) of each enclosed part.
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
        self.leases: dict[int, Segment] = {}

    def enclose(self, enclosures: Iterable[Enclosure]) -> tuple[Note, list[int]]:
        """The note to send, and the descriptors to send with it, which stay open until sent() or the words."""
        note, leases = draw_up(enclosures)
        self.leases.update(leases)
        return note, [segment.fd for segment in leases.values()]

    def sent(self, note: Note) -> None:
        """The message is on its way, where the kernel holds what is not kept; no need to wait for the words."""
        for _, lease, kept in note[0]:
            if not kept:
                self.leases.pop(lease, None)

    def release(self, words: Iterable[int]) -> None:
        """The other end has let go of these leases; of negative ones a child of its own may not have."""
        for word in words:
            segment = self.leases.pop(abs(word), None)
            if segment is not None and word < 0:
                segment.spoiled = True

    def abandon(self) -> None:
        """The other end has died, and may have left children."""
        for segment in self.leases.values():
            segment.spoiled = True
        self.leases.clear()

    def __len__(self) -> int:
        return len(self.leases)


def draw_up(enclosures: Iterable[Enclosure]) -> tuple[Note, dict[int, Segment]]:
    """The note for a message with these enclosures, and the leases that an Exports has once it was sent there.

    It may go to several readers, one after the other: a lease's number belongs to this process, not to a channel.
    """
    places: dict[Segment, int] = {}
    parts = []
    for part, segment, offset, nbytes, how in enclosures:
        place = places.setdefault(segment, len(places))
        parts.append((part, place, offset, nbytes, how))
    leases = {next(_leases): segment for segment in places}
    leased = [(segment.inode, lease, segment.kept) for lease, segment in leases.items()]
    return (leased, parts), leases


class Imports:
    """What this process reads of the other end's segments."""

    def __init__(self) -> None:
        self.words: list[int] = []  # to be sent: mappings append to it when they die

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
        self.words += [lease for place, (_, lease, kept) in enumerate(leased) if not kept or place not in mapped]

    def _part(self, fd: int, leased: Leased, offset: int, nbytes: int, how: int) -> Any:
        _, lease, kept = leased
        if how != COPY:
            try:
                words = self.words if kept else None
                return Mapping(fd, nbytes, how != READ, how != PRIVATE, False, words, lease)
            except OSError:  # no more mappings for this process
                pass
        try:
            return read(fd, offset, nbytes)
        except OSError as error:
            return error.with_traceback(None)  # whose frames would keep the caller's
        except EOFError as error:
            return OSError(errno.EIO, f"a large buffer was lost on its way: {error}")

    def take_words(self) -> Sequence[int]:
        """Leases that have ended since the last time."""
        known = len(self.words)  # others may be appended meanwhile
        if not known:
            return ()
        words = self.words[:known]
        del self.words[:known]
        return words


def _lost() -> OSError:
    """The kernel gives no descriptor to a process that has as many as it may."""
    return OSError(errno.EMFILE, "a large buffer was lost on its way, since this process has too many open files")


def _take(leased: Sequence[Leased], descriptors: list[int]) -> list[int | None]:
    """Each segment's descriptor. Where some were lost, what came may be a later message's, so they are compared."""
    taken: list[int | None] = []
    for inode, _, _ in leased:
        if descriptors and os.fstat(descriptors[0]).st_ino == inode:
            taken.append(descriptors.pop(0))
        else:
            taken.append(None)
    return taken


def close_all(descriptors: list[int]) -> None:
    """Close descriptors that came for nobody."""
    while descriptors:
        os.close(descriptors.pop())
