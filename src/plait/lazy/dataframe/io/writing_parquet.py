"""Dataframes written as parquet: a file a partition."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.bytes.opening import fsspec
from plait.lazy.dataframe.expression import AXIS, FrameExpression, unknown
from plait.lazy.dataframe.io.writing import replacing
from plait.lazy.expressions.wrapping import Wrapped


class ToParquet(FrameExpression):
    """Writes each partition to a file; its value is the file's name. options: of writing, see write_partition."""

    parameters = ("frame", "target", "names", "options")
    label = "to-parquet"

    @cached_property
    def meta(self) -> Any:
        return pd.Series([], dtype="str")

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(self.frame.npartitions)

    def layer(self, *inputs: Layer) -> Layer:
        names = PerBlock(_Name(self.names))
        values = [(self.target, None), (self.options, None)]
        return blocks.blockwise(write_partition, AXIS, (inputs[0], AXIS), (names, AXIS), *values, name=self.name)


class _Name:
    """The name of a partition's file, by its index."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def __call__(self, index: tuple[int, ...]) -> str:
        return self._names[index[0]]


def write_partition(frame: Any, name: str, target: Wrapped, options: dict[str, Any]) -> Any:
    """Write a partition: to one file, or with partition_on to one for each of the values of these columns."""
    fs, folder = target.held
    index, schema = options["write_index"], options["schema"]
    parts = _divided(frame, options["partition_on"])
    for place, part in parts:
        path = f"{folder}/{place}{name}"
        if place:
            fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        table = pa.Table.from_pandas(part, preserve_index=index, schema=schema)
        with replacing(fs, path) as file:
            pq.write_table(table, file, compression=options["compression"], **options["keywords"])
    return pd.Series([name])


def _divided(frame: Any, columns: Any) -> list[tuple[str, Any]]:
    """(folders, rows) for each combination of the values of columns."""
    if not columns:
        return [("", frame)]
    found = []
    for values, rows in frame.groupby(list(columns), observed=True):
        place = "".join([f"{column}={value}/" for column, value in zip(columns, values, strict=True)])
        found.append((place, rows.drop(columns=list(columns))))
    return found


def to_parquet(
    df: Any,
    path: Any,
    compression: str | None = "snappy",
    write_index: bool = True,
    append: bool = False,
    overwrite: bool = False,
    partition_on: Any = None,
    storage_options: Any = None,
    compute: bool = True,
    compute_kwargs: dict[str, Any] | None = None,
    schema: Any = "infer",
    name_function: Callable[[int], str] | None = None,
    engine: str = "auto",
    **keywords: Any,
) -> Any:
    """Write a dataframe as a folder of parquet files, part.N.parquet, one a partition.

    name_function: N -> the name of a file. append: add files to those that are there. overwrite: remove those first.
    compute: now; else a lazy value that does it. A file appears under its name when it is whole. Raises ValueError for
    columns that parquet cannot store.
    """
    if not all(isinstance(label, str) for label in df.columns):
        raise ValueError(f"parquet doesn't support non-string column names: {list(df.columns)}; rename them")
    partition_on = [partition_on] if isinstance(partition_on, str) else partition_on
    absent = set(partition_on or ()) - set(df.columns)
    if absent:
        raise ValueError(
            f"Partitioning on non-existent column. partition_on={partition_on} . columns={list(df.columns)}"
        )
    fs, _, paths = fsspec().core.get_fs_token_paths(path, mode="wb", storage_options=storage_options)
    folder = paths[0].rstrip("/")
    start = _prepared(fs, folder, append, overwrite)
    names = [name_function(i + start) if name_function else f"part.{i + start}.parquet" for i in range(df.npartitions)]
    if len(set(names)) < len(names):
        raise ValueError("``name_function`` must produce unique filenames.")
    options = {
        "write_index": write_index,
        "schema": None if isinstance(schema, (str, type(None))) else schema,
        "partition_on": partition_on,
        "compression": compression if compression != "default" else "snappy",
        "keywords": keywords,
    }
    written = df._new(ToParquet(df.expr, Wrapped((fs, folder)), tuple(names), options))
    if not compute:
        return written
    written.compute(**(compute_kwargs or {}))
    return None


def _prepared(fs: Any, folder: str, append: bool, overwrite: bool) -> int:
    """Make the folder; the number of the first new file."""
    if append and overwrite:
        raise ValueError("Cannot use both `overwrite=True` and `append=True`!")
    if overwrite and fs.exists(folder):
        if fs.isdir(folder) and folder in ("", "/", "."):
            raise ValueError(f"Cannot clear the contents of the current working directory: {folder}")
        fs.rm(folder, recursive=True)
    fs.makedirs(folder, exist_ok=True)
    return len([each for each in fs.find(folder) if each.endswith(".parquet")]) if append else 0
