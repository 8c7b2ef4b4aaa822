"""read_parquet and read_csv."""

from __future__ import annotations

from typing import Any

from plait.lazy.dataframe.frames import collection
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
