"""ReadParquet: partitions of parquet files, row groups of them, or several together.

Building reads footers alone: of the first file, whose schema all have; of every file only where row groups, divisions
or filters ask for what is in them.

Schemas that differ: a column that a file has not is null there; one in another type is converted to that of the first
file where that loses nothing, else an error says file, column and types. A column that only a later file has is an
error too, never dropped silently: with columns= it may be left out, with schema= it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from plait.lazy.dataframe.expression import unknown
from plait.lazy.dataframe.io.parquet_files import (
    ENDINGS,
    HiveColumn,
    Piece,
    footer,
    found,
    hive_columns,
    hive_values,
    pyarrow_parquet,
    read_groups,
)
from plait.lazy.dataframe.io.pieces import FromPieces
from plait.lazy.units import parse_bytes


class Dataset(NamedTuple):
    """What is known of some files without reading their rows. hive: columns that folders under `folder` say."""

    fs: Any
    folder: str
    schema: Any
    hive: tuple[HiveColumn, ...]
    index_by: tuple[str, ...] | bool | None  # columns; False for none; None for what the files say
    dtype_backend: str | None
    categories: tuple[str, ...]

    @property
    def index_columns(self) -> tuple[str, ...]:
        """The columns that become the index."""
        if isinstance(self.index_by, tuple):
            return self.index_by
        return () if self.index_by is False else tuple(index_columns(self.schema))

    def __dask_tokenize__(self) -> Any:
        return (
            self.fs.to_json(),
            self.folder,
            str(self.schema),
            self.schema.metadata,
            self.hive,
            self.index_by,
            self.dtype_backend,
            self.categories,
        )


class ReadParquet(FromPieces):
    """dataset: a Dataset; pieces: for each partition a tuple of Piece; columns: a list of labels; filters: as
    read_parquet()'s, or None; series: a single column as a series; bounds: divisions, or None; stamps: of the files,
    which make names change when files do; lenient: leave out columns that other files have.
    """

    parameters = ("dataset", "pieces", "columns", "filters", "series", "bounds", "stamps", "lenient")
    defaults = {"filters": None, "series": False, "bounds": None, "stamps": (), "lenient": False}
    label = "read-parquet"

    @property
    def paths(self) -> list[str]:
        """The files that are read, each once."""
        return list(dict.fromkeys([piece.path for pieces in self.pieces for piece in pieces]))

    @property
    def by_groups(self) -> bool:
        """Whether some files are not read whole."""
        return any(piece.groups is not None for pieces in self.pieces for piece in pieces)

    @property
    def index(self) -> tuple[str, ...]:
        """The columns that become the index."""
        return self.dataset.index_columns

    @cached_property
    def meta(self) -> Any:
        reader = self.reader()
        return reader.frame(self.dataset.schema.empty_table(), [])

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.bounds) if self.bounds else unknown(len(self.pieces))

    def reader(self) -> Reader:
        return Reader(self.dataset, self.columns, self.filters, self.series, self.lenient)


class Reader:
    """Reads pieces into a pandas object."""

    __name__ = "read_parquet"

    def __init__(self, dataset: Dataset, columns: Sequence[Any], filters: Any, series: bool, lenient: bool) -> None:
        self._dataset = dataset
        self._columns = columns
        self._filters = filters
        self._series = series
        self._lenient = lenient

    def __dask_tokenize__(self) -> Any:
        return "Reader", self._dataset, self._columns, self._filters, self._series, self._lenient

    def __call__(self, pieces: tuple[Piece, ...]) -> Any:
        data = self._dataset
        needed = self._needed()
        parts = []
        for piece in pieces:
            schema = _Chosen(data.schema) if self._lenient else data.schema
            own = dict(hive_values(piece.path, data.folder))
            table = read_groups(data.fs, piece, [name for name in needed if name in data.schema.names], schema)
            parts.append(self.frame(table, [own.get(each.label) for each in data.hive]))
        if not parts:
            return self.frame(data.schema.empty_table(), [])
        return parts[0] if len(parts) == 1 else pd.concat(parts)

    def _needed(self) -> list[str]:
        """The columns of the files that are read: those asked for, of the index, and of the filters."""
        names = list(self._dataset.schema.names)
        index = self._dataset.index_columns
        wanted = {*map(str, self._columns), *index, *_filtered(self._filters)}
        return [name for name in names if name in wanted]

    def frame(self, table: Any, values: Sequence[Any]) -> Any:
        """The pandas object of a table. values: of the columns that folders say, as texts; none for no rows."""
        result = self.whole(table, values)
        if self._filters and len(result):
            result = result[_holds(result, self._filters)]
        result = result[self._columns]
        return result[result.columns[0]] if self._series else result

    def whole(self, table: Any, values: Sequence[Any]) -> Any:
        """All that was read, with its index."""
        data = self._dataset
        result = table.to_pandas(
            types_mapper=_types(data.dtype_backend),
            categories=[name for name in data.categories if name in table.column_names] or None,
            ignore_metadata=data.index_by is False,
            split_blocks=True,
        )
        for place, column in enumerate(data.hive):
            if column.label not in result.columns:
                dtype = pd.CategoricalDtype(list(column.values))
                value = type(column.values[0])(values[place]) if values and values[place] is not None else None
                result[column.label] = pd.Categorical([value] * len(result), dtype=dtype)
        if isinstance(data.index_by, tuple):
            if result.index.name is not None or isinstance(result.index, pd.MultiIndex):
                result = result.reset_index()
            result = result.set_index(list(data.index_by) if len(data.index_by) > 1 else data.index_by[0])
        return result


class _Chosen:
    """A schema whose user named columns: others in a file are left out."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def field(self, name: str) -> Any:
        return self._schema.field(name)

    @property
    def metadata(self) -> Any:
        return self._schema.metadata

    @property
    def names(self) -> Any:
        return _Every()


class _Every:
    """Holds every name."""

    def __contains__(self, name: object) -> bool:
        return True


def _types(backend: str | None) -> Any:
    if backend is None:
        return None
    if backend == "pyarrow":
        return pd.ArrowDtype
    import pyarrow as pa

    known = {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.float32(): pd.Float32Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.string(): pd.StringDtype(),
    }
    return known.get


# Filters ----------------------------------------------------------------------------------------------------------


def checked(filters: Any) -> None:
    """Raise for tests that there are not, and values that they cannot take."""
    for group in _groups_of(filters):
        for name, test, value in group:
            if test not in _TESTS:
                raise ValueError(f'"{test}" is not a valid operator in predicates; use one of {list(_TESTS)}')
            if test in ("in", "not in") and not isinstance(value, (list, set, tuple)):
                raise TypeError(f"Value of {test!r} filter must be a list, set or tuple; {name!r} got {value!r}")


def _groups_of(filters: Any) -> list[list[Any]]:
    """Filters as a list, of which one must hold, of lists, of which all must."""
    if not filters:
        return []
    return [list(filters)] if isinstance(filters[0], tuple) else [list(each) for each in filters]


def _filtered(filters: Any) -> set[str]:
    return {name for group in _groups_of(filters) for name, _, _ in group}


_TESTS = {
    "==": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: (a != b) & a.notna(),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a.isin(list(b)),
    "not in": lambda a, b: ~a.isin(list(b)),
    "is": lambda a, b: a.isna(),
    "is not": lambda a, b: a.notna(),
}


def _holds(frame: Any, filters: Any) -> Any:
    """Which rows of a frame filters keep."""
    kept = pd.Series(False, index=frame.index)
    for group in _groups_of(filters):
        each_holds = pd.Series(True, index=frame.index)
        for name, test, value in group:
            values = frame[name] if name in frame.columns else frame.index.to_series().set_axis(frame.index)
            if isinstance(values.dtype, pd.CategoricalDtype):
                values = values.astype(values.cat.categories.dtype)
            each_holds &= _TESTS[test](values, value).fillna(False).astype(bool)
        kept |= each_holds
    return kept.to_numpy()


# Building ---------------------------------------------------------------------------------------------------------


def index_columns(schema: Any) -> list[str]:
    """The columns that pandas wrote its index to."""
    meta = schema.pandas_metadata or {}
    return [each for each in meta.get("index_columns", []) if isinstance(each, str)]


def dataset_of(
    fs: Any, paths: Sequence[str], ending: Any, index: Any, dtype_backend: Any, categories: Any, schema: Any
) -> tuple[Dataset, list[str]]:
    """What is known of some files, and which they are."""
    files, folder = found(fs, paths, ending)
    own = footer(fs, files[0]).schema.to_arrow_schema() if schema is None or isinstance(schema, dict) else schema
    for name, wanted in (schema if isinstance(schema, dict) else {}).items():
        import pyarrow as pa

        place = own.get_field_index(name)
        own = own.append(pa.field(name, wanted)) if place < 0 else own.set(place, pa.field(name, wanted))
    if isinstance(index, str):
        index = (index,)
    elif isinstance(index, (list, tuple)):
        index = tuple(index)
    hive = tuple([each for each in hive_columns(files, folder) if each.label not in own.names])
    wanted = tuple(categories or ())
    return Dataset(fs, folder, own, hive, index, dtype_backend, wanted), files


def pieces_of(data: Dataset, files: list[str], split: Any, blocksize: Any, aggregate: Any) -> list[tuple[Piece, ...]]:
    """The pieces of each partition.

    split: True or a number for partitions of so many row groups; "infer" splits files whose row groups are larger than
    blocksize. aggregate: put files together up to blocksize.
    """
    limit = parse_bytes(blocksize) if isinstance(blocksize, str) else blocksize
    if split == "infer":
        first = footer(data.fs, files[0])
        groups = first.num_row_groups
        split = bool(limit) and groups > 1 and sum(first.row_group(i).total_byte_size for i in range(groups)) > limit
        adaptive = split
    else:
        adaptive = split == "adaptive"
    if not split:
        if not aggregate or not limit:
            return [(Piece(path, None),) for path in files]
        return _together([(Piece(path, None), data.fs.size(path) or 0) for path in files], limit)
    size, count = (limit, 1) if adaptive else (None, int(split))
    per_file = [_row_groups(data.fs, path, size, count) for path in files]
    sized = [each for file in per_file for each in file]
    return _together(sized, limit) if aggregate and adaptive and limit else [(piece,) for piece, _ in sized]


def _row_groups(fs: Any, path: str, limit: int | None, count: int) -> list[tuple[Piece, int]]:
    meta = footer(fs, path)
    sizes = [meta.row_group(i).total_byte_size for i in range(meta.num_row_groups)]
    if limit is None:
        starts = list(range(0, len(sizes), count))
    else:
        starts, filled = [], limit + 1
        for i, size in enumerate(sizes):
            if filled + size > limit:
                starts.append(i)
                filled = 0
            filled += size
    ends = [*starts[1:], len(sizes)]
    return [(Piece(path, tuple(range(a, b))), sum(sizes[a:b])) for a, b in zip(starts, ends, strict=True)]


def _together(sized: list[tuple[Piece, int]], limit: int) -> list[tuple[Piece, ...]]:
    result: list[list[Piece]] = []
    filled = limit + 1
    for piece, size in sized:
        if filled + size > limit:
            result.append([])
            filled = 0
        result[-1].append(piece)
        filled += size
    return [tuple(each) for each in result]


def bounds_of(data: Dataset, pieces: Sequence[tuple[Piece, ...]]) -> tuple[Any, ...] | None:
    """Divisions by the statistics of the index's column; None where they are not known or not in order."""
    names = data.index_columns
    if len(names) != 1:
        return None
    lows, highs = [], []
    for some in pieces:
        ranges = [each for piece in some for each in _ranges(data, piece, names[0])]
        if not ranges or any(each is None for each in ranges):
            return None
        lows.append(min(each[0] for each in ranges))
        highs.append(max(each[1] for each in ranges))
    if any(high >= low for high, low in zip(highs[:-1], lows[1:], strict=True)):
        return None
    values = (*lows, highs[-1])
    return tuple(pd.Index(values)) if hasattr(values[0], "year") else values


def _ranges(data: Dataset, piece: Piece, name: str) -> list[Any]:
    meta = footer(data.fs, piece.path)
    place = meta.schema.to_arrow_schema().get_field_index(name)
    found_ranges = []
    for group in range(meta.num_row_groups) if piece.groups is None else piece.groups:
        if meta.row_group(group).num_rows == 0:
            continue
        known = meta.row_group(group).column(place).statistics
        found_ranges.append((known.min, known.max) if known is not None and known.has_min_max else None)
    return found_ranges


def reading(
    path: Any,
    columns: Any = None,
    filters: Any = None,
    categories: Any = None,
    index: Any = None,
    storage_options: Any = None,
    dtype_backend: Any = None,
    calculate_divisions: bool = False,
    split_row_groups: Any = "infer",
    blocksize: Any = "256 MiB",
    aggregate_files: Any = None,
    parquet_file_extension: Any = ENDINGS,
    filesystem: Any = "fsspec",
    schema: Any = None,
) -> ReadParquet:
    """The expression of read_parquet()."""
    checked(filters)
    blocksize = "256 MiB" if blocksize == "default" else blocksize
    fs, paths = _placed(path, storage_options, filesystem)
    data, files = dataset_of(fs, paths, parquet_file_extension, index, dtype_backend, categories, schema)
    pieces = pieces_of(data, files, split_row_groups, blocksize, aggregate_files)
    pieces = [each for each in pieces if not filters or _may_hold(data, each, filters)] or pieces[:1]
    series = isinstance(columns, (str, int))
    chosen = (columns,) if series else None if columns is None else tuple(columns)
    _check(data, chosen, index)
    labels = _labels(data) if chosen is None else list(chosen)
    bounds = bounds_of(data, pieces) if calculate_divisions else None
    stamps = tuple([str(fs.ukey(each)) for each in files])
    return ReadParquet(data, tuple(pieces), labels, _hashable(filters), series, bounds, stamps, chosen is not None)


def _labels(data: Dataset) -> list[Any]:
    """All columns that are not the index."""
    whole = Reader(data, (), None, False, True).whole(data.schema.empty_table(), [])
    return list(whole.columns)


def _hashable(filters: Any) -> Any:
    return [list(map(tuple, each)) for each in _groups_of(filters)] or None


def _placed(path: Any, options: Any, filesystem: Any) -> tuple[Any, list[str]]:
    from plait.lazy.bytes.opening import checked, fsspec

    pyarrow_parquet()
    path = [str(each) for each in path] if isinstance(path, (list, tuple, set)) else str(checked(path))
    if not path:
        raise ValueError("empty urlpath sequence; pass a path, or a list with one or more")
    if hasattr(filesystem, "open"):
        every = [path] if isinstance(path, str) else path
        return filesystem, [filesystem._strip_protocol(each) for each in every]
    fs, _, paths = fsspec().core.get_fs_token_paths(path, mode="rb", storage_options=options)
    if not paths:
        raise FileNotFoundError(f"{path} is no file, and matches none")
    return fs, [each.rstrip("/") for each in paths]


def _check(data: Dataset, columns: Sequence[Any] | None, index: Any) -> None:
    known = {*data.schema.names, *[each.label for each in data.hive]}
    asked = [*(columns or ()), *(data.index_by if isinstance(data.index_by, tuple) else ())]
    missing = [each for each in asked if str(each) not in known]
    if missing:
        raise ValueError(f"The following columns were not found in the dataset {missing}; there are {sorted(known)}")
    if isinstance(data.index_by, tuple) and columns is not None and set(data.index_by) & set(columns):
        raise ValueError(f"Specified index and column names must not intersect; got {index} in both")


def _may_hold(data: Dataset, pieces: Sequence[Piece], filters: Any) -> bool:
    """Whether statistics, and values that folders say, let rows of some pieces pass filters."""
    return any(
        all(_one_may_hold(data, piece, *each) for each in group) for piece in pieces for group in _groups_of(filters)
    )


def _one_may_hold(data: Dataset, piece: Piece, name: str, test: str, value: Any) -> bool:
    own = dict(hive_values(piece.path, data.folder))
    column = next((each for each in data.hive if each.label == name), None)
    if column is not None:
        held = type(column.values[0])(own[name])
        return bool(_holds(pd.DataFrame({name: [held]}), [(name, test, value)])[0])
    if name not in data.schema.names or test in ("!=", "not in", "is", "is not"):
        return True
    return any(each is None or _overlaps(each, test, value) for each in _ranges(data, piece, name))


def _overlaps(span: tuple[Any, Any], test: str, value: Any) -> bool:
    low, high = span
    try:
        if test in ("<", "<="):
            return bool(low < value or (test == "<=" and low == value))
        if test in (">", ">="):
            return bool(high > value or (test == ">=" and high == value))
        return any(low <= each <= high for each in (value if test == "in" else [value]))
    except TypeError:
        return True  # not to be compared: rows say
