"""Files of joblib before 0.10, compressed as a whole: "ZF", the length of the data as text, then zlib."""

from __future__ import annotations

import zlib
from typing import Any

from plait.parallel.persist.compressors import OLD_PREFIX
from plait.parallel.persist.errors import DamagedFile

_LENGTH_BYTES = len(f"{2**64:#x}")


def read_zfile(file: Any) -> bytes:
    """The data of a file of this kind, from its start."""
    file.seek(0)
    head = file.read(len(OLD_PREFIX) + _LENGTH_BYTES)
    try:
        length = int(head[len(OLD_PREFIX) :], 16)
    except ValueError as error:
        raise DamagedFile(f"{file}: {head!r} is not the head of a compressed file of joblib before 0.10") from error
    rest = file.read()
    if rest[:1] == b" ":  # Python 2 wrote a head of one more character; zlib's data never begin so
        rest = rest[1:]
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(rest, length + 1)
    except zlib.error as error:
        raise DamagedFile(f"{file}: its compressed data are damaged: {error}") from error
    if len(data) != length:
        raise DamagedFile(f"{file}: {len(data)} bytes where its head says {length}; it is truncated or damaged")
    return data


def write_zfile(file: Any, data: bytes, compress: int = 1) -> None:
    """Writes data as a file of this kind."""
    file.write(OLD_PREFIX + f"{len(data):#x}".ljust(_LENGTH_BYTES).encode() + zlib.compress(data, compress))
