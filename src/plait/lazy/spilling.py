"""Spilled values: files of a run's scratch directory, one a value.

    u64 number of parts | u64 length of each | the parts: a pickle, and the buffers that pickle 5 left out of it

Buffers are written from where they lie, and read into memory that the value then owns, so arrays come back writable.

Cost: some 40 us a value, and what the disk's cache takes.
"""

from __future__ import annotations

import errno
import os
import struct
from contextlib import suppress
from typing import Any

from plait.lazy.scratch import Scratch, explained, private
from plait.parallel.transport.pickling import pack_value, unpack_value

_LENGTH = struct.Struct("=Q")


def write(value: Any, scratch: Scratch, number: int) -> str:
    """The path of a new file with a value. Raises OSError, and what pickling raises."""
    parts = [memoryview(part) for part in pack_value(value)]
    path = os.path.join(scratch.path, str(number))
    try:
        with open(path, "wb", buffering=0, opener=private) as file:
            for piece in (memoryview(_table([part.nbytes for part in parts])), *parts):
                _write_all(file, piece)
    except OSError as error:
        remove(path)
        raise explained(error, scratch.path, "results are spilled") from error
    return path


def read(path: str) -> Any:
    """The value in a file. Raises OSError where something has cut the file."""
    with open(path, "rb", buffering=0) as file:
        (count,) = _LENGTH.unpack(_read_all(file, _LENGTH.size))
        lengths = struct.unpack(f"={count}Q", _read_all(file, count * _LENGTH.size))
        return unpack_value([_read_all(file, length) for length in lengths])


def remove(path: str) -> None:
    """Have the file gone, if it is there."""
    with suppress(OSError):
        os.unlink(path)


def _table(lengths: list[int]) -> bytes:
    return struct.pack(f"={len(lengths) + 1}Q", len(lengths), *lengths)


def _write_all(file: Any, data: memoryview) -> None:
    while data:  # a call takes 2 GiB at most
        data = data[file.write(data) :]


def _read_all(file: Any, length: int) -> bytearray:
    data = bytearray(length)
    rest = memoryview(data)
    while rest:
        count = file.readinto(rest)
        if not count:
            raise OSError(errno.EIO, "the file of a spilled result became shorter", file.name)
        rest = rest[count:]
    return data
