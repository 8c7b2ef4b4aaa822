"""Bags of the lines of text files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from plait.lazy.bag.bags import Bag
from plait.lazy.bag.layers import Layer, Step, piece
from plait.lazy.bytes.opening import named, open_files
from plait.lazy.bytes.reading import Block, plan

_NEWLINES = (None, "", "\n", "\r", "\r\n")  # delimiters that files split at themselves
_REMEDY = "pass its encoding=, or errors='replace'"
_CHUNK = 1 << 20  # characters read at a time


def read_text(
    urlpath: Any,
    blocksize: int | str | None = None,
    compression: str | None = "infer",
    encoding: str = "utf-8",
    errors: str = "strict",
    linedelimiter: str | None = None,
    collection: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    files_per_partition: int | None = None,
    include_path: bool = False,
) -> Any:
    """A bag of the lines of text files, with their ends; with include_path of (line, path).

    urlpath: a path or URL, with * for several files, or a list. A file is a partition, or `files_per_partition` are, or
    files are cut in blocks of about `blocksize` bytes ("64 MiB"), which compressed ones cannot be. compression: "gzip"
    and such, "infer" by the names. linedelimiter: what lines end with, any kind of line end without it. collection:
    False for a list of delayed partitions. storage_options: of the file system. Raises ValueError where there is no
    file.
    """
    if blocksize is not None and files_per_partition is not None:
        raise ValueError(
            f"blocksize={blocksize!r} and files_per_partition={files_per_partition!r} contradict each other; pass one"
        )
    style = _Style(encoding, errors, linedelimiter, include_path)
    if blocksize is None:
        layer = _of_files(urlpath, compression, style, storage_options, files_per_partition or 1)
    else:
        layer = _of_blocks(urlpath, compression, style, storage_options, blocksize)
    if not layer.count:
        raise ValueError(f"no files found: {urlpath!r} matches none")
    bag = Bag._of(layer)
    return bag if collection else bag.to_delayed()


class _Style:
    """How bytes become lines."""

    def __init__(self, encoding: str, errors: str, delimiter: str | None, include_path: bool) -> None:
        self.encoding = encoding
        self.errors = errors
        self.delimiter = delimiter
        self.include_path = include_path

    @property
    def told(self) -> tuple[Any, ...]:
        return self.encoding, self.errors, self.delimiter, self.include_path

    def with_path(self, lines: Iterable[str], path: str) -> Iterator[Any]:
        return ((line, path) for line in lines) if self.include_path else iter(lines)


def _of_files(urlpath: Any, compression: str | None, style: _Style, options: Any, together: int) -> Layer:
    newline = style.delimiter if style.delimiter in _NEWLINES else ""
    files = open_files(
        urlpath, "rt", compression, style.encoding, style.errors, newline=newline, storage_options=options
    )
    groups = [tuple(files[i : i + together]) for i in range(0, len(files), together)]
    told = ([_identity(file) for file in files], compression, together, *style.told)
    step = Step(partial(_lines_of_files, style), "read_text")

    def make(keys: list[Any]) -> list[Any]:
        return [piece(step, group, key, traverse=False) for group, key in zip(groups, keys, strict=True)]

    return Layer("read_text", told, (), len(groups), make)


def _identity(file: Any) -> Any:
    """What tells a file apart; of one on a local disk also its state."""
    try:
        state = file.fs.ukey(file.path) if "file" in _protocols(file.fs) else None
    except OSError:  # it may appear until it is read
        state = None
    return type(file.fs).__name__, file.path, state


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _of_blocks(urlpath: Any, compression: str | None, style: _Style, options: Any, blocksize: Any) -> Layer:
    ends = "\n" if style.delimiter is None else style.delimiter
    planned = plan(urlpath, ends.encode(style.encoding), blocksize, compression, False, dict(options or {}))
    rows = [(block, path) for blocks, path in zip(planned.files, planned.paths, strict=True) for block in blocks]
    step = Step(partial(_lines_of_block, style), "read_text")

    def make(keys: list[Any]) -> list[Any]:
        return [piece(step, row, key, traverse=False) for row, key in zip(rows, keys, strict=True)]

    return Layer("read_text", (planned.tokens, *style.told), (), len(rows), make)


def _lines_of_files(style: _Style, *files: Any) -> Iterator[Any]:
    return chain.from_iterable(_lines_of_file(style, file) for file in files)


def _lines_of_file(style: _Style, file: Any) -> Iterator[Any]:
    with named(file.path, _REMEDY), file as opened:
        lines = opened if style.delimiter in _NEWLINES else _split(opened, str(style.delimiter))
        yield from style.with_path(lines, file.path)


def _split(opened: Any, delimiter: str) -> Iterator[str]:
    """The text of a file, split behind a delimiter."""
    rest = ""
    while chunk := opened.read(_CHUNK):
        *whole, rest = (rest + chunk).split(delimiter)
        for part in whole:
            yield part + delimiter
    if rest:
        yield rest


def _lines_of_block(style: _Style, block: Block, path: str) -> Iterator[Any]:
    with named(path, _REMEDY):
        text = block.read().decode(style.encoding, style.errors)
    if style.delimiter in _NEWLINES:
        return style.with_path(io.StringIO(text, newline=style.delimiter), path)
    return style.with_path(_split(io.StringIO(text, newline=""), str(style.delimiter)), path)
