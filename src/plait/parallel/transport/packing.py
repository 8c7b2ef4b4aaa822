"""Packing: a value becomes a pickle and its large buffers, each where it travels best.

    a buffer from LEASE_BYTES on, an array that is to be an np.memmap   a segment of its own, which is mapped
    the other buffers, where they come to BUNDLE_BYTES or more          one segment for all, which is copied out
    what is left                                                        a part of the message

All is copied before pack() returns, so whoever owns the arrays may change them. Within a call an array is copied once,
however many tasks it is passed to: it is known by its identity, as long as it lives, and by a fingerprint of its
contents, since a generator may fill the same array again between two tasks (see `fingerprint` for what that notices).

Where no segment can be had (no memory, no descriptors, a limit on file sizes), the bytes travel in the message. Where
the memory itself is not there, that is an error, since it would be needed all the more.
"""

from __future__ import annotations

import errno
import pickle
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from plait.parallel._native.memory import fingerprint
from plait.parallel.transport import pickling
from plait.parallel.transport.exchange import COPY, DESCRIPTORS_MAX, PRIVATE, READ, SHARED, Enclosure
from plait.parallel.transport.framing import Message
from plait.parallel.transport.identity import IdentityMap
from plait.parallel.transport.segments import Segment, SegmentPool

LEASE_BYTES = 1 << 20
BUNDLE_BYTES = 1 << 16

_HOW = {"r": READ, "c": PRIVATE, "r+": SHARED, None: PRIVATE}


class ArrayPolicy(NamedTuple):
    """How large arrays reach a call's tasks, as joblib's parameters of these names have it."""

    max_nbytes: int | None = 1 << 20
    mmap_mode: str | None = "r"
    label: str = "/memfd:plait"  # where such an array says that its file is
    folder: str | None = None  # the same for arrays of several calls, in place of the label
    dedupe: bool = True  # copy an array once, however many tasks get it


DEFAULT_POLICY = ArrayPolicy()
PRIVATE_COPIES = ArrayPolicy(None, None)  # all arrays are the task's own, and writable
OFF = PRIVATE_COPIES._replace(dedupe=False)  # and each is what it was when it was packed


class Parcel(NamedTuple):
    """A packed value: parts of a message, and which of them lie elsewhere."""

    parts: Message
    enclosures: Sequence[Enclosure]


class _Noticed(NamedTuple):
    buffer: pickle.PickleBuffer  # kept, since it is known by its identity
    array: Any
    mode: str | None
    segment: Segment | None  # it lies there already


class Packer:
    """Packs the values of one call. One thread at a time."""

    def __init__(self, pool: SegmentPool, policy: ArrayPolicy) -> None:
        self._pool = pool
        self._policy = policy
        self._noticed: dict[int, _Noticed] = {}
        self._sent = IdentityMap()  # array -> fingerprint, segment
        self._table: dict[type, Any] | None = None

    def pack(self, value: Any, descriptors: int = DESCRIPTORS_MAX) -> Parcel:
        """descriptors: how many may go along. Raises what pickling raises, and OSError where there is no memory."""
        kept: list[pickle.PickleBuffer] = []
        try:
            data = pickling.dumps(value, buffer_callback=kept.append, dispatch_table=self._reducers())
            return self._place(data, kept, descriptors)
        finally:
            self._noticed.clear()

    def clear(self) -> None:
        """The call is over: hold no segments."""
        self._sent = IdentityMap()

    def _reducers(self) -> dict[type, Any] | None:
        """What numpy's arrays are reduced by; None while nobody has loaded it."""
        if self._table is None and "numpy" in sys.modules:
            from plait.parallel.transport.arrays_numpy import Reducer

            policy = self._policy
            reducer = Reducer(policy.max_nbytes, policy.mmap_mode, policy.folder or policy.label, self._notice)
            self._table = reducer.table()
        return self._table

    def _notice(
        self, buffer: pickle.PickleBuffer, array: Any, mode: str | None, segment: Segment | None = None
    ) -> None:
        self._noticed[id(buffer)] = _Noticed(buffer, array, mode, segment)

    def _place(self, data: bytes, buffers: list[pickle.PickleBuffer], descriptors: int) -> Parcel:
        parts: Message = [data]
        enclosures: list[Enclosure] = []
        if not buffers and len(data) < BUNDLE_BYTES:
            return Parcel(parts, enclosures)
        bundle: list[tuple[int, memoryview]] = []
        if len(data) >= BUNDLE_BYTES:
            parts[0] = b""
            bundle.append((0, memoryview(data)))
        for buffer in buffers:
            raw = buffer.raw()
            noticed = self._noticed.get(id(buffer))
            mode = noticed.mode if noticed is not None else None
            if raw.nbytes >= (BUNDLE_BYTES if mode else LEASE_BYTES) or mode == "r+" or (noticed and noticed.segment):
                segment = self._segment(raw, noticed, len(enclosures) < descriptors - 1)
                if segment is not None:
                    enclosures.append(Enclosure(len(parts), segment, 0, raw.nbytes, _HOW[mode]))
                    parts.append(b"")
                    continue
            bundle.append((len(parts), raw))
            parts.append(b"")
        self._place_small(parts, bundle, enclosures, descriptors > 0)
        return Parcel(parts, enclosures)

    def _segment(self, raw: memoryview, noticed: _Noticed | None, room: bool) -> Segment | None:
        """One that holds these bytes; None where they must travel otherwise."""
        if not room:
            return None
        if noticed is not None and noticed.segment is not None:
            return noticed.segment
        if noticed is None or not self._policy.dedupe:
            return self._filled([raw], raw.nbytes)
        mark = fingerprint(raw)
        known: tuple[int, Segment] | None = self._sent.find(noticed.array)
        if known is not None and known[0] == mark:
            return known[1]
        segment = self._filled([raw], raw.nbytes)
        if segment is not None:
            self._sent.set(noticed.array, (mark, segment))
        return segment

    def _filled(self, pieces: list[memoryview], nbytes: int) -> Segment | None:
        try:
            segment = self._pool.take(nbytes)
            segment.write(pieces)
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise
            return None
        return segment

    def _place_small(
        self, parts: Message, bundle: list[tuple[int, memoryview]], enclosures: list[Enclosure], room: bool
    ) -> None:
        total = sum(raw.nbytes for _, raw in bundle)
        segment = self._filled([raw for _, raw in bundle], total) if room and total >= BUNDLE_BYTES else None
        offset = 0
        for part, raw in bundle:
            if segment is not None:
                enclosures.append(Enclosure(part, segment, offset, raw.nbytes, COPY))
                offset += raw.nbytes
            else:
                parts[part] = bytearray(raw) if part else bytes(raw)
