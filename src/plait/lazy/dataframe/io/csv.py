"""CSV: files of text, in blocks that begin and end with lines, parsed by pandas.

A sample of the first file says columns and dtypes. A block whose values do not fit these is an error that says which
file, which column and what to pass, since a dtype that drifts would be found by whoever computes with it, or by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.bytes.reading import plan, sample_of
from plait.lazy.dataframe.expression import AXIS, FrameExpression, unknown
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.units import parse_bytes

_REFUSED = {"iterator": "which is not lazy", "chunksize": "use blocksize=", "nrows": "use head()"}


class ReadText(FrameExpression):
    """Blocks of text files.

    source: Wrapped list of blocks, each with the number of its file. header: the first lines, which each block gets but
    the first of a file. reader: of pandas; keywords: of it. like: the meta, Wrapped. wanted: columns, or None.
    path_column: the label of a column with the path, or None.
    """

    parameters = ("source", "header", "reader", "keywords", "like", "wanted", "path_column")
    label = "read-csv"

    @cached_property
    def meta(self) -> Any:
        meta = self.like.held
        return (
            meta
            if self.wanted is None
            else empty_of(meta[self.wanted if isinstance(self.wanted, str) else list(self.wanted)])
        )

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(len(self.source.held))

    def layer(self, *inputs: Layer) -> Layer:
        where = PerBlock(_Block(self.source.held))
        sizes: dict[Any, int] = {"partition": self.npartitions}
        values = [
            (each, None) for each in (self.header, self.reader, self.keywords, self.like, self.wanted, self.path_column)
        ]
        return blocks.blockwise(_read, AXIS, (where, AXIS), *values, name=self.name, sizes=sizes)


class _Block:
    """A block of a file, by a partition's index."""

    def __init__(self, found: list[Any]) -> None:
        self._found = found

    def __call__(self, index: tuple[int, ...]) -> Any:
        return Wrapped(self._found[index[0]])


def _read(
    block: Wrapped,
    header: bytes,
    reader: str,
    keywords: Mapping[str, Any],
    like: Wrapped,
    wanted: Any,
    path_column: Any,
) -> Any:
    (part, is_first, paths) = block.held
    data = part.read()
    text = data if is_first else header + data
    meta = like.held
    path = part.file.path
    try:
        frame = getattr(pd, reader)(BytesIO(text), **_later(keywords, is_first))
    except (ValueError, pd.errors.ParserError) as error:
        error.add_note(
            f"in {path}, in the block from byte {part.offset} on; pass dtype= of its columns, or on_bad_lines='skip'"
        )
        raise
    frame = _fitted(frame, meta, path)
    if path_column:
        frame = frame.assign(**{path_column: pd.Categorical.from_codes(np.full(len(frame), paths.index(path)), paths)})
    return frame if wanted is None else frame[wanted if isinstance(wanted, str) else list(wanted)]


def _later(keywords: Mapping[str, Any], is_first: bool) -> dict[str, Any]:
    """The keywords for a block: lines are left out of the first one of a file only."""
    found = dict(keywords)
    if not is_first and isinstance(found.get("skiprows"), int):
        found.pop("skiprows")
    if not is_first and "skipfooter" in found:
        found.pop("skipfooter")
    return found


def _fitted(frame: Any, meta: Any, path: str) -> Any:
    """A block with the columns and dtypes of the sample: widened where nothing is lost. Raises ValueError."""
    names = [name for name in meta.columns if name in frame.columns]
    if list(frame.columns) != list(meta.columns)[: len(frame.columns)] or len(names) < len(frame.columns):
        raise ValueError(
            f"Columns do not match: {path} has {list(frame.columns)}, the first file {list(meta.columns)}; "
            "read the files apart, or pass names="
        )
    wrong = []
    for name in names:
        have, want = frame[name].dtype, meta[name].dtype
        if have == want:
            continue
        try:
            frame[name] = _cast(frame[name], want)
        except (ValueError, TypeError):
            wrong.append((name, have, want))
    if wrong:
        told = "\n".join([f"| {name} | {have} | {want} |" for name, have, want in wrong])
        fix = ", ".join([f"{name!r}: '{_fix(have)}'" for name, have, _ in wrong])
        raise ValueError(
            "Mismatched dtypes found in `pd.read_csv`/`pd.read_table`.\n\n"
            f"| Column | Found | Expected |\n{told}\n\nin {path}. Usually this is due to dtype inference from a sample "
            f"of the first file; pass dtype={{{fix}}}, or assume_missing=True, which reads integers as floats"
        )
    return frame


def _fix(have: Any) -> str:
    return "float64" if getattr(have, "kind", "O") == "f" else str(have)


def _cast(values: Any, want: Any) -> Any:
    """Raises ValueError where values would be lost."""
    kind, have = getattr(want, "kind", "O"), getattr(values.dtype, "kind", "O")
    if not len(values):
        return values.astype(want)
    if (
        isinstance(want, pd.CategoricalDtype)
        or (kind == "f" and have in "iub")
        or (kind == "O" and not isinstance(want, np.dtype))
    ):
        return values.astype(want)
    if kind == "i" and have == "i":
        return values.astype(want)
    if kind == "M" and have == "M":
        return values.astype(want)
    if kind == "O":
        return values.astype(want)
    raise ValueError("values do not fit")


def text_of(urlpath: Any, reader: str, options: dict[str, Any]) -> ReadText:
    """The expression of text files. See read_csv."""
    for word, remedy in _REFUSED.items():
        if options.get(word):
            raise ValueError(f"{word}= is not supported by {reader}: {remedy}")
    if options.get("index_col"):
        raise ValueError(f"Keyword 'index' not supported; {reader}(...).set_index({options['index_col']!r}) does it")
    blocksize = options.pop("blocksize", "default")
    sample = options.pop("sample", 256_000)
    sample_rows = options.pop("sample_rows", 10)
    assume_missing = options.pop("assume_missing", False)
    storage_options = options.pop("storage_options", None)
    path_column = options.pop("include_path_column", False)
    compression = options.pop("compression", "infer")
    terminator = options.pop("lineterminator", None)
    if terminator:
        options["lineterminator"] = terminator
    limit = _blocksize(urlpath, blocksize, compression)
    delimiter = (terminator or "\n").encode()
    planned = plan(urlpath, delimiter, limit, compression, False, storage_options or {})
    head = sample_of(planned, parse_bytes(sample) if isinstance(sample, str) else sample or 256_000, delimiter)
    meta, header = _looked_at(head, reader, options, delimiter, assume_missing, sample_rows)
    found = [(block, place == 0, planned.paths) for file in planned.files for place, block in enumerate(file)]
    column = "path" if path_column is True else path_column or None
    if column is not None:
        if column in meta.columns:
            raise ValueError(
                f"Files already contain the column name: {column}, so the path column cannot use this name."
            )
        meta = meta.assign(**{column: pd.Categorical([], categories=planned.paths)})
    source = _Told(found, planned.tokens)
    return ReadText(source, header, reader, {**options}, Wrapped(meta), None, column)


class _Told(Wrapped):
    """Blocks, told apart by the files' tokens."""

    def __init__(self, held: Any, tokens: list[str]) -> None:
        super().__init__(held)
        self._token = "-".join(tokens)


def _blocksize(urlpath: Any, blocksize: Any, compression: Any) -> Any:
    if blocksize == "default":
        compressed = compression not in (None, "infer") or str(urlpath).endswith((".gz", ".bz2", ".xz", ".zip", ".zst"))
        return None if compressed else 64_000_000
    return parse_bytes(blocksize) if isinstance(blocksize, str) else blocksize


def _looked_at(
    head: bytes, reader: str, options: dict[str, Any], delimiter: bytes, assume_missing: bool, rows: int
) -> tuple[Any, bytes]:
    """The meta that a sample gives, and the lines that each block needs before it."""
    header = options.get("header", "infer" if options.get("names") is None else None)
    skip = options.get("skiprows", 0) or 0
    need = 1 if header is None else 2
    lines = head.split(delimiter)
    first = skip if isinstance(skip, int) else len([each for each in skip if each < len(lines)])
    top = lines[first] + delimiter if header is not None and lines else b""
    if header not in (None, "infer", 0) and isinstance(header, int):
        top = lines[first + header] + delimiter
    if len(lines) < need:
        raise ValueError(
            "Sample is not large enough to include at least one row of data. Please increase the "
            "number of bytes in `sample` in the call to `read_csv`/`read_table`"
        )
    sample = getattr(pd, reader)(BytesIO(head), **options)
    if assume_missing:
        named = options.get("dtype")
        kept = set(named) if isinstance(named, dict) else set()
        if not isinstance(named, (str, type)):
            change = {name: "float64" for name in sample.columns if sample[name].dtype.kind == "i" and name not in kept}
            sample = sample.astype(change)
    return empty_of(sample), top
