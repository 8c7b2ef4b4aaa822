"""Functions that make dataframes of what is in files, or of what functions give."""

from __future__ import annotations

from typing import Any

from plait.lazy.dataframe.frames import collection
from plait.lazy.dataframe.io import calls, json
from plait.lazy.dataframe.io.csv import text_of
from plait.lazy.dataframe.io.parquet import dataset_of


def read_parquet(
    path: Any,
    columns: Any = None,
    filters: Any = None,
    categories: Any = None,
    index: Any = None,
    storage_options: Any = None,
    engine: str = "auto",
    calculate_divisions: bool | None = None,
    ignore_metadata_file: bool = False,
    split_row_groups: Any = "infer",
    blocksize: Any = "default",
    aggregate_files: Any = None,
    filesystem: Any = None,
    **keywords: Any,
) -> Any:
    """A lazy dataframe of parquet files: a path, a folder, a pattern with *, a URL, or a list of these.

    columns: labels, or one for a series. filters: as of pyarrow, [("x", ">", 0)], kept exactly. index: labels of
    columns, False for none; without it what pandas had written. split_row_groups: True, or a number, for partitions of
    so many row groups. calculate_divisions: look for divisions in the files' statistics. Raises FileNotFoundError,
    ValueError; reading raises SchemaError or OSError that name file, row group and column.
    """
    if engine not in ("auto", "pyarrow"):
        raise ValueError(f"engine={engine!r} is not supported; parquet is read by pyarrow")
    options = {} if categories is None else {"categories": list(categories)}
    expression = dataset_of(
        path, columns, filters, index, storage_options, split_row_groups, bool(calculate_divisions), options
    )
    return collection(expression)


def read_csv(urlpath: Any, **options: Any) -> Any:
    """A lazy dataframe of CSV files. options: blocksize, in bytes or as text; sample, assume_missing, storage_options,
    include_path_column; others are those of pandas.read_csv().
    """
    return collection(text_of(urlpath, "read_csv", options))


def read_table(urlpath: Any, **options: Any) -> Any:
    """As read_csv(), of columns parted by tabs."""
    return collection(text_of(urlpath, "read_table", options))


def read_fwf(urlpath: Any, **options: Any) -> Any:
    """As read_csv(), of columns of fixed width."""
    return collection(text_of(urlpath, "read_fwf", options))


def read_json(
    url_path: Any,
    orient: str = "records",
    lines: bool | None = None,
    storage_options: Any = None,
    blocksize: Any = None,
    sample: int = 2**20,
    encoding: str = "utf-8",
    errors: str = "strict",
    compression: Any = "infer",
    meta: Any = None,
    engine: Any = "ujson",
    include_path_column: Any = False,
    path_converter: Any = None,
    **kwargs: Any,
) -> Any:
    """A lazy dataframe of JSON files: of a path, URL, pattern, or a list of them.

    lines: a row a line, by default so for orient="records"; blocksize cuts such files. meta: what is not given is found
    by reading the first file, or `sample` bytes of it. engine: of pandas, or what to call in the place of
    pandas.read_json. include_path_column: True, or a label. kwargs: of pandas.
    """
    return collection(
        json.reading(
            url_path,
            orient,
            lines,
            storage_options,
            blocksize,
            sample,
            encoding,
            errors,
            compression,
            meta,
            engine,
            include_path_column,
            path_converter,
            kwargs,
        )
    )


def from_map(
    func: Any,
    *iterables: Any,
    args: Any = None,
    meta: Any = calls.NO_DEFAULT,
    divisions: Any = None,
    label: str | None = None,
    enforce_metadata: bool = False,
    **kwargs: Any,
) -> Any:
    """A lazy dataframe of func(*elements of iterables, *args, **kwargs), a partition for each.

    meta: what is not given is found by calling func on the first elements. Raises ValueError for iterables of different
    lengths.
    """
    if "token" in kwargs:
        raise NotImplementedError("token is no longer supported; pass label= for the start of names")
    return collection(calls.mapped(func, iterables, args or (), meta, divisions, label, enforce_metadata, kwargs))
