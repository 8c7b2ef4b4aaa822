"""Segments: memory files that large buffers travel in, from one process to another.

A segment belongs to the process that wrote it. It is an anonymous memory file (memfd): it has no name, and the kernel
frees it when the last process that holds it ends, however it ends. Another process gets its descriptor along with a
message (SCM_RIGHTS), maps it or reads it, and closes the descriptor at once.

A writer counts nothing: a Segment is alive while a pending message, the table of a call's arrays or a lease (see
`exchange`) holds a reference, and with the last one its memory goes back to the pool.

Memory that was written before needs no new pages: 15 ms for 100 MB, where a fresh file costs 38 to 50 and a fresh
private mapping 120. So a pool keeps its segments, up to `keep_bytes` of them, leased or idle; others are given away:
the writer closes its descriptor as soon as the reader has one, and the kernel frees the memory when the reader unmaps
it, without a word. Fresh files are written by pwrite(), which neither faults nor clears pages first (60 ms by a
mapping); used ones through a mapping that stays (15 against 25). Reading a segment anew costs 4 ms for 100 MB.

A process that forks while it holds a lease may leave a reader that the writer cannot know of. The word then says so
(it is negative), and so does the reader's death: such a segment is closed and never written again.

Rejected: one large file a process with regions of it leased, which needs no descriptors after the first, but cannot
free or reuse a region safely once a reader has forked; huge pages, which need the administrator; named files.
"""

from __future__ import annotations

import errno
import os
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any

from plait._base import natives
from plait.parallel._native.memory import Mapping

_allocate_lock = natives.allocate_lock
_PAGE_BYTES = 4096
_SLACK_BYTES = 1 << 16
_ASK_BYTES = 1 << 26  # before so much fresh memory is written, the system is asked for what it has


class _Memory:
    """A memory file, empty or used."""

    __slots__ = ("capacity", "fd", "inode", "mapping", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = False
        self.mapping: Mapping | None = None  # from the second use on
        self.fd = os.memfd_create("plait-segment")
        try:
            os.ftruncate(self.fd, capacity)
            self.inode = os.fstat(self.fd).st_ino
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)
        self.mapping = None

    def __del__(self) -> None:
        self.close()

    def prepare(self) -> None:
        """It will be written: not for the first time, and its pages are mapped to that end."""
        if self.used and self.mapping is None:
            self.mapping = Mapping(self.fd, self.capacity, writable=True, populate=True)
        self.used = True

    def write(self, data: memoryview, offset: int) -> None:
        if self.mapping is not None:
            self.mapping.write(offset, data)
            return
        while data.nbytes:
            written = os.pwrite(self.fd, data, offset)
            data = data[written:]
            offset += written


class Segment:
    """Memory of a pool, for as long as there is a reference to it."""

    __slots__ = ("_memory", "_pool", "kept", "nbytes", "spoiled")

    def __init__(self, pool: SegmentPool, memory: _Memory, nbytes: int, kept: bool) -> None:
        self._pool = pool
        self._memory = memory
        self.nbytes = nbytes
        self.kept = kept  # comes back to the pool, so the reader must say when it is done
        self.spoiled = False  # who reads it is not known any more: never to be written again

    @property
    def fd(self) -> int:
        """Its descriptor; -1 in a child that this process has forked."""
        return self._memory.fd

    @property
    def inode(self) -> int:
        """What its file is known by, whatever number a descriptor has."""
        return self._memory.inode

    def map(self) -> Mapping:
        """Its memory, writable; what is written, every reader sees."""
        return Mapping(self._memory.fd, self.nbytes, writable=True)

    def write(self, pieces: Iterable[Any]) -> None:
        """Fill it with the pieces, one behind the other. Raises OSError where there is no room."""
        offset = 0
        for piece in pieces:
            data = memoryview(piece).cast("B")
            self._memory.write(data, offset)
            offset += data.nbytes

    def __del__(self) -> None:
        # In any thread, within any collection, in a forked child: nothing here waits for a lock.
        if self.spoiled or not self.kept:
            self._memory.close()
        self._pool.give_back(self._memory, self.kept)


class SegmentPool:
    """The segments that a process writes. Any thread may take; references may die anywhere."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._kept = 0  # bytes of the memories that come back, or have
        self._idle: list[_Memory] = []
        self._returned: deque[_Memory] = deque()
        self._memories: set[_Memory] = set()  # all that are open
        self._lock = _allocate_lock()
        _pools.add(self)

    def take(self, nbytes: int) -> Segment:
        """A segment to write so many bytes to. Raises OSError, also where the system has not so much memory."""
        with self._lock:
            self._settle()
            memory = self._fitting(nbytes)
            if memory is not None:
                self._idle.remove(memory)
                kept = True
            else:
                capacity = _rounded(nbytes)
                _ask_for(capacity)
                memory = _Memory(capacity)
                self._memories.add(memory)
                kept = self._kept + capacity <= self._keep_bytes
                self._kept += capacity if kept else 0
        segment = Segment(self, memory, nbytes, kept)
        memory.prepare()
        return segment

    def trim(self) -> None:
        """Give idle memory back to the system."""
        with self._lock:
            self._settle()
            idle, self._idle = self._idle, []
            for memory in idle:
                self._forget(memory)

    @property
    def idle_bytes(self) -> int:
        with self._lock:
            self._settle()
            return sum(memory.capacity for memory in self._idle)

    def give_back(self, memory: _Memory, kept: bool) -> None:
        """For Segment.__del__: takes no lock."""
        if kept:
            self._returned.append(memory)
        else:
            self._memories.discard(memory)

    def abandon(self) -> None:
        """In a forked child: close the parent's descriptors, and begin anew."""
        for memory in self._memories:
            memory.close()
        self._memories = set()
        self._idle = []
        self._returned = deque()
        self._kept = 0
        self._lock = _allocate_lock()

    def _settle(self) -> None:
        while self._returned:
            memory = self._returned.popleft()
            if memory.fd < 0:  # spoiled
                self._forget(memory)
            else:
                self._idle.append(memory)

    def _forget(self, memory: _Memory) -> None:
        memory.close()
        self._memories.discard(memory)
        self._kept -= memory.capacity

    def _fitting(self, nbytes: int) -> _Memory | None:
        """The smallest idle memory that is not much too large."""
        most = 2 * nbytes + _SLACK_BYTES
        fitting = [memory for memory in self._idle if nbytes <= memory.capacity <= most]
        return min(fitting, key=_capacity, default=None)


_pools: weakref.WeakSet[SegmentPool] = weakref.WeakSet()


def _abandon_all() -> None:
    for pool in list(_pools):
        pool.abandon()


os.register_at_fork(after_in_child=_abandon_all)


def _capacity(memory: _Memory) -> int:
    return memory.capacity


def _rounded(nbytes: int) -> int:
    """Up to an eighth more, so that the memory fits others that are nearly as large."""
    step = max(_PAGE_BYTES, 1 << max(0, nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


def _ask_for(nbytes: int) -> None:
    """Raise OSError where the system cannot have so much: it would kill a process instead of refusing."""
    if nbytes < _ASK_BYTES:
        return
    from plait.parallel.transport import room  # for large ones alone, since it costs pathlib

    there = room.available_bytes()
    if nbytes > there:
        raise OSError(errno.ENOMEM, f"{nbytes:,} bytes of shared memory are asked for, and {there:,} are free")
