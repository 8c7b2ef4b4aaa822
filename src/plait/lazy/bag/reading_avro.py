"""Bags of the records of Avro files (extra `avro`).

A file is cut at its sync markers. What is read of its head here is what that needs: the marker and where the head ends.
Source: the Apache Avro specification 1.11, object container files.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from plait.lazy.bag.bags import Bag
from plait.lazy.bag.layers import Layer, Step, piece
from plait.lazy.bytes.opening import fastavro, named, open_files
from plait.lazy.bytes.reading import Block, plan

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16


def read_avro(
    urlpath: Any,
    blocksize: int | str | None = 100_000_000,
    storage_options: Mapping[str, Any] | None = None,
    compression: str | None = None,
) -> Bag:
    """A bag of the records of Avro files.

    urlpath: a path or URL, with * for several files, or a list. blocksize: about how many bytes are a partition, None
    for a file each. compression: of whole files, with blocksize=None alone. storage_options: of the file system.
    """
    fastavro()
    if blocksize is None:
        rows = [(file,) for file in open_files(urlpath, "rb", compression, storage_options=storage_options)]
        told: Any = [(type(file.fs).__name__, file.path) for (file,) in rows]
        step = Step(_records_of_file, "read_avro")
    else:
        rows, told = _blocks(urlpath, blocksize, compression, dict(storage_options or {}))
        step = Step(_records_of_block, "read_avro")

    def make(keys: list[Any]) -> list[Any]:
        return [piece(step, row, key, traverse=False) for row, key in zip(rows, keys, strict=True)]

    return Bag._of(Layer("read_avro", (told, compression), (), len(rows), make))


class Head(NamedTuple):
    """The beginning of an Avro file."""

    data: bytes
    sync: bytes


def _blocks(urlpath: Any, blocksize: Any, compression: str | None, options: Any) -> tuple[list[Any], list[str]]:
    planned = plan(urlpath, None, blocksize, compression, False, options)
    rows: list[Any] = []
    for blocks, path in zip(planned.files, planned.paths, strict=True):
        if blocks:
            with blocks[0].file as opened:
                head = read_head(opened, path)
            rows.extend((block._replace(delimiter=head.sync), head) for block in blocks)
    return rows, planned.tokens


def read_head(file: Any, path: str = "this file") -> Head:
    """The head of an Avro file. Raises ValueError for what is none."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError(f"{path} is no Avro file: it does not begin with {_MAGIC!r}")
    while count := _number(file, path):
        if count < 0:  # then the size in bytes follows, for readers that skip
            count = -count
            _number(file, path)
        for _ in range(2 * count):  # names and values
            file.seek(_number(file, path), io.SEEK_CUR)
    sync = file.read(_SYNC_BYTES)
    if len(sync) < _SYNC_BYTES:
        raise ValueError(f"{path} ends within its head")
    end = file.tell()
    file.seek(0)
    return Head(file.read(end), sync)


def _number(file: Any, path: str) -> int:
    """A number in Avro's variable-length zig-zag encoding."""
    value: int = 0
    shift = 0
    while True:
        byte = file.read(1)
        if not byte:
            raise ValueError(f"{path} ends within its head")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7


def _records_of_block(block: Block, head: Head) -> list[Any]:
    data = block.read()
    if not data.startswith(_MAGIC):
        data = head.data + data
    with named(block.file.path):
        return list(fastavro().reader(io.BytesIO(data)))


def _records_of_file(file: Any) -> list[Any]:
    with named(file.path), file as opened:
        return list(fastavro().reader(opened))
