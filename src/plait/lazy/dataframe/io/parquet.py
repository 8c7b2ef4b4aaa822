"""Parquet: datasets of files, read and written by pyarrow.

A partition is a file, or some row groups of one. The first file's schema says columns and dtypes, without reading data.
Files may differ in the order of columns and in the width of types; a column that is missing, or that the first file has
not, is an error (see `schemas`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.bytes.opening import fsspec
from plait.lazy.dataframe.expression import AXIS, FrameExpression, unknown
from plait.lazy.dataframe.io.schemas import check
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.tokens import tokenize


class ReadParquet(FrameExpression):
    """Files of one schema.

    source: Wrapped (file system, token, schema of the first file). pieces: (path, row groups or None) of each
    partition. wanted: labels of columns, None for all; a label alone for a series. filters: of pyarrow, or None. index:
    labels. bounds: divisions, or None. keywords: of pyarrow's to_pandas.
    """

    parameters = ("source", "pieces", "wanted", "filters", "index", "bounds", "keywords")
    label = "read-parquet"

    @cached_property
    def meta(self) -> Any:
        return empty_of(
            _finished(self.source.held.schema.empty_table(), self._columns, self.index, self.wanted, self.keywords)
        )

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(len(self.pieces)) if self.bounds is None else tuple(self.bounds)

    @cached_property
    def _columns(self) -> list[str] | None:
        """The columns to read, those of the index among them."""
        if self.wanted is None:
            return None
        wanted = [self.wanted] if isinstance(self.wanted, str) else list(self.wanted)
        return [*wanted, *[name for name in self.index if name not in wanted]]

    def layer(self, *inputs: Layer) -> Layer:
        where = PerBlock(_Piece(self.pieces))
        sizes: dict[Any, int] = {"partition": self.npartitions}
        values = [
            (each, None) for each in (self.source, self._columns, self.filters, self.index, self.wanted, self.keywords)
        ]
        return blocks.blockwise(read_piece, AXIS, (where, AXIS), *values, name=self.name, sizes=sizes)


class _Piece:
    """The path and row groups of a partition, by its index."""

    def __init__(self, pieces: Sequence[Any]) -> None:
        self._pieces = pieces

    def __call__(self, index: tuple[int, ...]) -> Any:
        return self._pieces[index[0]]


class Dataset:
    """A file system, and the schema of the first file."""

    def __init__(self, fs: Any, token: str, schema: pa.Schema) -> None:
        self.fs, self.token, self.schema = fs, token, schema

    def __dask_tokenize__(self) -> Any:
        return self.token


def read_piece(
    piece: tuple[str, Any],
    source: Wrapped,
    columns: Any,
    filters: Any,
    index: Any,
    wanted: Any,
    keywords: Mapping[str, Any],
) -> Any:
    """A partition. Raises SchemaError, or OSError with the path and the row group that cannot be read."""
    path, groups = piece
    dataset = source.held
    with dataset.fs.open(path, "rb") as handle:
        try:
            file = pq.ParquetFile(handle)
        except (pa.ArrowInvalid, OSError) as error:
            raise OSError(
                f"{path} is no readable parquet file: {error}; it may be cut short: write it again"
            ) from error
        check(path, file.schema_arrow, dataset.schema, columns)
        table = _read_groups(file, path, range(file.num_row_groups) if groups is None else groups, columns)
    expected = [dataset.schema.field(name) for name in table.schema.names if name in dataset.schema.names]
    if [field.type for field in expected] != table.schema.types:
        table = table.cast(pa.schema(expected))
    if filters is not None:
        table = table.filter(pq.filters_to_expression(filters))
    return _finished(table, columns, index, wanted, keywords)


def _read_groups(file: Any, path: str, groups: Sequence[int], columns: Any) -> Any:
    try:
        return file.read_row_groups(list(groups), columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        bad, column = _culprit(file, groups, columns)
        raise OSError(
            f"{path}: row group {bad}, column {column!r} cannot be read: {error}; the file is damaged: write it again"
        ) from error


def _culprit(file: Any, groups: Sequence[int], columns: Any) -> tuple[Any, Any]:
    """The row group and the column that cannot be read."""
    for group in groups:
        for column in columns or file.schema_arrow.names:
            try:
                file.read_row_group(group, columns=[column])
            except (pa.ArrowInvalid, OSError):
                return group, column
    return list(groups), None


def _finished(table: Any, columns: Any, index: Sequence[str], wanted: Any, keywords: Mapping[str, Any]) -> Any:
    """A pandas object of a table: columns in order, the index set."""
    frame = table.to_pandas(ignore_metadata=True, **keywords)
    if index:
        names = [name if not name.startswith("__index_level_") else None for name in index]
        frame = frame.set_index(list(index))
        frame.index.names = names
    if wanted is None:
        return frame
    return frame[wanted if isinstance(wanted, str) else list(wanted)]


def dataset_of(
    path: Any,
    columns: Any,
    filters: Any,
    index: Any,
    storage_options: Any,
    split_row_groups: Any,
    calculate_divisions: bool,
    keywords: Mapping[str, Any],
) -> ReadParquet:
    """The expression of a dataset. See read_parquet."""
    fs, token, paths = fsspec().core.get_fs_token_paths(path, mode="rb", storage_options=storage_options)
    files = _files(fs, paths)
    if not files:
        raise FileNotFoundError(f"{path} is no parquet file, and no folder of some")
    schema, metadata = _schema(fs, files[0])
    labels = _index_labels(index, metadata, schema)
    wanted = _checked_columns(columns, schema, labels)
    pieces = _pieces(fs, files, split_row_groups)
    bounds = _bounds(fs, pieces, labels) if calculate_divisions and len(labels) == 1 else None
    if filters is not None and filters and isinstance(filters[0], tuple):
        filters = [filters]
    stamp = [str(fs.ukey(each)) for each in files]
    source = Wrapped(Dataset(fs, f"{token}-{tokenize(stamp)}", schema))
    return ReadParquet(source, tuple(pieces), wanted, filters, tuple(labels), bounds, dict(keywords))


def _files(fs: Any, paths: Sequence[str]) -> list[str]:
    found: list[str] = []
    for path in paths:
        if fs.isdir(path):
            inside = [each for each in fs.find(path) if not posixpath.basename(each).startswith(("_", "."))]
            found += sorted(inside, key=_natural)
        else:
            found.append(path)
    return found


def _natural(path: str) -> list[Any]:
    """Numbers in names count as such: part.2 comes before part.10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]


def _schema(fs: Any, path: str) -> tuple[Any, Any]:
    with fs.open(path, "rb") as handle:
        try:
            schema = pq.read_schema(handle)
        except (pa.ArrowInvalid, OSError) as error:
            raise OSError(
                f"{path} is no readable parquet file: {error}; it may be cut short: write it again"
            ) from error
    return schema, schema.pandas_metadata


def _index_labels(index: Any, metadata: Any, schema: Any) -> list[str]:
    if index is False:
        return []
    if index is not None:
        labels = [index] if isinstance(index, str) else list(index)
        absent = [label for label in labels if label not in schema.names]
        if absent:
            raise ValueError(f"index {absent} is no column; there are {schema.names}")
        return labels
    if not metadata:
        return []
    return [each for each in metadata.get("index_columns", []) if isinstance(each, str) and each in schema.names]


def _checked_columns(columns: Any, schema: Any, index: Sequence[str]) -> Any:
    if columns is None:
        return None if not index else [name for name in schema.names if name not in index]
    wanted = columns if isinstance(columns, str) else list(columns)
    absent = [name for name in ([wanted] if isinstance(wanted, str) else wanted) if name not in schema.names]
    if absent:
        raise ValueError(f"The following columns were not found in the dataset {absent}; there are {schema.names}")
    return wanted


def _pieces(fs: Any, files: Sequence[str], split: Any) -> list[tuple[str, Any]]:
    """A partition a file; with split_row_groups a row group, or so many, each."""
    if not split or split in ("infer", "adaptive"):
        return [(path, None) for path in files]
    found: list[tuple[str, Any]] = []
    step = 1 if split is True else int(split)
    for path in files:
        with fs.open(path, "rb") as handle:
            count = pq.ParquetFile(handle).num_row_groups
        found += [(path, tuple(range(start, min(start + step, count)))) for start in range(0, count, step)]
    return found


def _bounds(fs: Any, pieces: Sequence[tuple[str, Any]], index: Sequence[str]) -> tuple[Any, ...] | None:
    """Divisions by the statistics of the index; None where these are missing, or partitions overlap."""
    lows, highs = [], []
    for path, groups in pieces:
        with fs.open(path, "rb") as handle:
            metadata = pq.ParquetFile(handle).metadata
        place = metadata.schema.names.index(index[0])
        spans = []
        for group in range(metadata.num_row_groups) if groups is None else groups:
            statistics = metadata.row_group(group).column(place).statistics
            if statistics is None or not statistics.has_min_max:
                return None
            spans.append((statistics.min, statistics.max))
        lows.append(min(span[0] for span in spans))
        highs.append(max(span[1] for span in spans))
    if any(high >= low for high, low in zip(highs, lows[1:], strict=False)):
        return None
    values = [pd.Timestamp(each) if hasattr(each, "year") else each for each in (*lows, highs[-1])]
    return tuple(values)
