"""Blocks of files: cut by size, begun and ended at a delimiter, read when they are needed."""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from typing import Any, NamedTuple

from plait.lazy._native.nodes import make
from plait.lazy.bytes.opening import checked, fsspec, named
from plait.lazy.handles import Delayed
from plait.lazy.tokens import tokenize
from plait.lazy.units import parse_bytes


class Block(NamedTuple):
    """Part of a file: from behind the first delimiter after `offset`, or from 0, to behind the one after its end."""

    file: Any  # fsspec's OpenFile
    offset: int
    length: int | None  # bytes, None for the whole file
    delimiter: bytes | None

    def read(self) -> bytes:
        data: bytes
        with named(self.file.path), copy(self.file) as opened:
            if self.offset == 0 and self.length is None:
                data = opened.read()
            else:
                data = fsspec().utils.read_block(opened, self.offset, self.length, self.delimiter)
        return data


class Plan(NamedTuple):
    """The blocks of some files, a list and a token for each file."""

    paths: list[str]
    first: Any  # the first file, as fsspec's OpenFile
    files: list[list[Block]]
    tokens: list[str]


def plan(
    urlpath: Any, delimiter: bytes | None, blocksize: Any, compression: str | None, not_zero: bool, options: Any
) -> Plan:
    """How some files are cut. See read_bytes()."""
    core = fsspec().core
    fs, fs_token, paths = core.get_fs_token_paths(checked(urlpath), mode="rb", storage_options=options)
    if not paths:
        raise FileNotFoundError(f"{urlpath} is no file, and matches none")
    size = _block_bytes(blocksize)
    files, tokens = [], []
    for path in paths:
        spans = _spans(fs, path, size, compression, not_zero)
        file = core.OpenFile(fs, path, compression=compression)
        files.append([Block(file, offset, length, delimiter) for offset, length in spans])
        tokens.append(tokenize(fs_token, delimiter, path, fs.ukey(path), compression, [s[0] for s in spans]))
    return Plan(list(paths), core.OpenFile(fs, paths[0], compression=compression), files, tokens)


def _block_bytes(blocksize: Any) -> int | None:
    """Raises TypeError for what is no whole number of bytes."""
    if blocksize is None:
        return None
    size = parse_bytes(blocksize) if isinstance(blocksize, str) else blocksize
    try:
        whole = int(size)
    except (TypeError, ValueError):
        whole = 0
    if whole != size or whole <= 0:
        raise TypeError(
            f"blocksize={blocksize!r} is no number of bytes; pass a positive integer, a text such as '64 MiB', or None"
        )
    return whole


def _spans(
    fs: Any, path: str, block: int | None, compression: str | None, not_zero: bool
) -> list[tuple[int, int | None]]:
    """(offset, length) of each block of a file, all of about the same length."""
    if block is None:
        return [(0, None)]
    known = fsspec().utils.infer_compression(path) if compression == "infer" else compression
    if known is not None:
        raise ValueError(f"{path}: a file with compression={known!r} cannot be read in blocks; pass blocksize=None")
    size = fs.info(path)["size"]
    if size is None:
        raise ValueError(f"{path}: its file system does not say how large it is; pass blocksize=None")
    count = max(1, size // block) if size else 0
    bounds = [size * i // count for i in range(count + 1)] if count else []
    if not_zero and bounds:
        bounds[0] = 1
    return [(start, end - start) for start, end in pairwise(bounds)]


def read_bytes(
    urlpath: Any,
    delimiter: bytes | None = None,
    not_zero: bool = False,
    blocksize: int | float | str | None = "128 MiB",
    sample: int | str | bool = "10 kiB",
    compression: str | None = None,
    include_path: bool = False,
    **kwargs: Any,
) -> Any:
    """(a sample of the first file, for each file a list of delayed blocks); with include_path also the paths.

    urlpath: a path or URL, with * for several files, or a list. delimiter: blocks begin and end behind one. not_zero:
    leave out what comes before the first delimiter. blocksize: bytes, a text such as "64 MiB", or None for whole files;
    compressed files cannot be cut. sample: bytes, or False for none; it ends behind a delimiter. kwargs: options of the
    file system. Raises FileNotFoundError, TypeError, ValueError.
    """
    planned = plan(urlpath, delimiter, blocksize, compression, not_zero, kwargs)
    blocks = [
        [_delayed(block, token) for block in file] for file, token in zip(planned.files, planned.tokens, strict=True)
    ]
    head: Any = sample
    if sample:
        head = sample_of(planned, "10 kiB" if sample is True else sample, delimiter)
    return (head, blocks, planned.paths) if include_path else (head, blocks)


def _delayed(block: Block, token: str) -> Delayed:
    node: Delayed = make(Block.read, (block,), None, None, None, f"read-block-{block.offset}-{token}")
    return node


def sample_of(planned: Plan, size: int | str, delimiter: bytes | None) -> bytes:
    """The beginning of the first file, up to a delimiter."""
    wanted = parse_bytes(size) if isinstance(size, str) else size
    with copy(planned.first) as opened:
        data: bytes = opened.read(wanted)
        if delimiter is None:
            return data
        while more := opened.read(wanted):
            start = max(0, len(data) - len(delimiter) + 1)  # it may lie across both
            data += more
            found = data.find(delimiter, start)
            if found >= 0:
                return data[: found + len(delimiter)]
    return data
