"""The shuffle on disk: elements go to the partition of their key through files.

Each input partition writes one file, block by block as its elements come: of each block first the groups of each output
partition, pickled, then at the end of the file where they are. When all are written, each output partition reads its
pieces of all files. So memory is bounded by a block and an output partition, and nobody locks.

    block 0: groups for 0 | groups for 1 | ...     block 1: ...     index: offsets of block 0, of block 1, ...
    footer: how many blocks, where the index begins

The files are in a directory of the run's own (see `plait.lazy.scratch`), which the caller of compute() opens, and
removes when the run is over. A file is complete or does not have its name, so a task may be repeated.
"""

from __future__ import annotations

import errno
import os
import pickle
import struct
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from plait.lazy.bag.hashes import partition_of
from plait.lazy.bag.streams import table_of
from plait.lazy.scratch import Scratch, explained, private
from plait.parallel.transport import pickling

_FOOTER = struct.Struct("<QQ")
_BUFFER_BYTES = 1 << 20
_OFFSET_BYTES = 8


def write(
    key: Callable[[Any], Any], count: int, block: int, elements: Iterable[Any], space: Scratch, number: int
) -> int:
    """Write the elements of an input partition for `count` output partitions; how many bytes that were.

    block: how many elements are held at a time. Raises OSError, saying where no space is left.
    """
    name = os.path.join(space.path, f"{uuid.uuid4().hex}.new")
    try:
        with open(name, "wb", buffering=_BUFFER_BYTES, opener=private) as file:
            index = array("Q")
            stream = iter(elements)
            while some := list(islice(stream, block)):
                index.extend(_write_block(file, table_of(key, some), count))
            end = file.tell()
            file.write(index.tobytes())
            file.write(_FOOTER.pack(len(index) // (count + 1), end))
        os.replace(name, os.path.join(space.path, str(number)))
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(space.path):
            raise explained(error, space.path, "groupby writes its partitions") from error
        raise
    return end


def _write_block(file: Any, groups: dict[Any, list[Any]], count: int) -> list[int]:
    """Where the pieces of each output partition begin, and the last one ends."""
    going: dict[int, list[Any]] = {}
    for key, elements in groups.items():
        going.setdefault(partition_of(key, count), []).append((key, elements))
    offsets = [file.tell()]
    for number in range(count):
        pairs = going.pop(number, None)
        size = file.write(pickling.dumps(pairs)) if pairs is not None else 0
        offsets.append(offsets[-1] + size)
    return offsets


def read(count: int, written: int, space: Scratch, number: int) -> list[tuple[Any, list[Any]]]:
    """(key, elements) of an output partition, of `count`, from `written` files."""
    groups: dict[Any, list[Any]] = {}
    for each in range(written):
        for key, elements in _pieces(os.path.join(space.path, str(each)), count, number):
            found = groups.get(key)
            if found is None:
                groups[key] = elements
            else:
                found.extend(elements)
    return list(groups.items())


def _pieces(path: str, count: int, number: int) -> Iterator[tuple[Any, list[Any]]]:
    """What a file has for an output partition."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        blocks, index = _footer(descriptor, count, path)
        for block in range(blocks):
            place = index + (block * (count + 1) + number) * _OFFSET_BYTES
            start, end = struct.unpack("=QQ", os.pread(descriptor, 2 * _OFFSET_BYTES, place))
            if end > start:
                yield from pickle.loads(_read(descriptor, start, end - start))
    finally:
        os.close(descriptor)


def _footer(descriptor: int, count: int, path: str) -> tuple[int, int]:
    """How many blocks a file has, and where its index begins. Raises OSError for a file that was cut or changed."""
    size = os.fstat(descriptor).st_size
    footer = os.pread(descriptor, _FOOTER.size, max(0, size - _FOOTER.size))
    blocks, index = _FOOTER.unpack(footer) if len(footer) == _FOOTER.size else (0, -1)
    if index + blocks * (count + 1) * _OFFSET_BYTES + _FOOTER.size != size:
        raise OSError(errno.EIO, "the file of a shuffle is not as it was written; something else changed it", path)
    return blocks, index


def _read(descriptor: int, start: int, size: int) -> bytes:
    parts = []
    while size:  # a call gives 2 GiB at most
        parts.append(os.pread(descriptor, size, start))
        if not parts[-1]:
            raise OSError(errno.EIO, "the file of a shuffle became shorter while it was read")
        start, size = start + len(parts[-1]), size - len(parts[-1])
    return b"".join(parts)
