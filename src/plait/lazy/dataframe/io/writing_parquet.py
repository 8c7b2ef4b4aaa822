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
from plait.lazy.dataframe.io.parquet import ReadParquet, reading
from plait.lazy.dataframe.io.writing import replacing
from plait.lazy.decorator import delayed
from plait.lazy.expressions.expression import walk
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
    index = options["write_index"]
    parts = _divided(frame, options["partition_on"])
    for place, part in parts:
        path = f"{folder}/{place}{name}"
        if place:
            fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        table = _table(part, index, options["schema"])
        if options["custom_metadata"]:
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), **options["custom_metadata"]})
        with replacing(fs, path) as file:
            pq.write_table(
                table, file, compression=options["compression"], write_page_checksum=True, **options["keywords"]
            )
    return pd.Series([name])


def _table(frame: Any, index: Any, schema: Any) -> Any:
    """The pyarrow table of a partition. schema: pyarrow's, a dict of types of some columns, or None."""
    if isinstance(schema, dict):
        own = pa.Schema.from_pandas(frame, preserve_index=index)
        for name, kind in schema.items():
            place = own.get_field_index(name)
            own = own if place < 0 else own.set(place, pa.field(name, kind))
        schema = own
    if schema is not None:  # partition_on took some columns
        named = [*frame.columns, *frame.index.names]
        schema = pa.schema([field for field in schema if field.name in named], metadata=schema.metadata)
    if schema is not None and index is not False:  # what names the columns names the index too, if it is stored
        own = pa.Schema.from_pandas(frame, preserve_index=index)
        for name in own.names:
            schema = schema if name in schema.names else schema.append(own.field(name))
    return pa.Table.from_pandas(frame, preserve_index=index, schema=schema)


def write_summary(names: list[str], target: Wrapped) -> None:
    """Write _metadata and _common_metadata: the footers of all files of a folder, in one."""
    fs, folder = target.held
    footers = []
    for path in sorted(each for each in fs.find(folder) if not each.rpartition("/")[2].startswith(("_", "."))):
        with fs.open(path, "rb") as opened:
            footer = pq.ParquetFile(opened).metadata
        footer.set_file_path(path[len(folder) :].lstrip("/"))
        footers.append(footer)
    whole = footers[0]
    for each in footers[1:]:
        whole.append_row_groups(each)
    with replacing(fs, f"{folder}/_metadata") as file:
        whole.write_metadata_file(file)
    with replacing(fs, f"{folder}/_common_metadata") as file:
        pq.write_metadata(whole.schema.to_arrow_schema(), file)


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
    engine: Any = "auto",
    ignore_divisions: bool = False,
    write_metadata_file: bool | None = None,
    custom_metadata: Any = None,
    filesystem: Any = None,
    **keywords: Any,
) -> Any:
    """Write a dataframe as a folder of parquet files, part.N.parquet, one a partition.

    name_function: N -> the name of a file. append: add files to those that are there. overwrite: remove those first.
    write_metadata_file: the footers of all files in one, too. custom_metadata: of texts, for each file's footer.
    compute: now; else a lazy value that does it. A file appears under its name when it is whole. Raises ValueError for
    columns that parquet cannot store.
    """
    if engine not in ("auto", "pyarrow") and not isinstance(engine, type):
        raise ValueError(f'Unsupported engine: "{engine}"; pass "pyarrow", which is what there is')
    if not all(isinstance(label, str) for label in df.columns):
        raise ValueError(f"parquet doesn't support non-string column names: {list(df.columns)}; rename them")
    if name_function is not None and not callable(name_function):
        raise ValueError("``name_function`` must be a callable with one argument.")
    partition_on = [partition_on] if isinstance(partition_on, str) else partition_on
    absent = set(partition_on or ()) - set(df.columns)
    if absent:
        raise ValueError(
            f"Partitioning on non-existent column. partition_on={partition_on} . columns={list(df.columns)}"
        )
    if hasattr(filesystem, "open"):
        fs, folder = filesystem, filesystem._strip_protocol(str(path))
    else:
        fs, folder = fsspec().core.url_to_fs(str(path), **(storage_options or {}))
    folder = folder.rstrip("/")
    if overwrite:
        _check_not_read(df, folder)
    if append and not ignore_divisions:
        _check_appended(df, fs, folder, write_index)
    start = _prepared(fs, folder, append, overwrite)
    names = [name_function(i + start) if name_function else f"part.{i + start}.parquet" for i in range(df.npartitions)]
    if len(set(names)) < len(names):
        raise ValueError("``name_function`` must produce unique filenames.")
    options = {
        "write_index": write_index,
        "schema": None if isinstance(schema, (str, type(None))) else schema,
        "partition_on": partition_on,
        "custom_metadata": _encoded(custom_metadata),
        "compression": compression if compression != "default" else "snappy",
        "keywords": keywords,
    }
    target = Wrapped((fs, folder))
    written = df._new(ToParquet(df.expr, target, tuple(names), options))
    if write_metadata_file:
        written = delayed(write_summary)(written, target)
    if not compute:
        return written
    written.compute(**(compute_kwargs or {}))
    fs.invalidate_cache(folder)
    return None


def _encoded(metadata: Any) -> dict[bytes, bytes]:
    """Texts as bytes. Raises ValueError for a key that is pandas' own."""
    found = {
        key.encode() if isinstance(key, str) else key: value.encode() if isinstance(value, str) else value
        for key, value in (metadata or {}).items()
    }
    if b"pandas" in found:
        raise ValueError("User-defined key/value metadata (custom_metadata) can not contain a b'pandas' key.")
    return found


def _check_not_read(df: Any, folder: str) -> None:
    """Raise ValueError where a dataframe is read from the folder that is to be removed."""
    for each in walk([df.expr]):
        if isinstance(each, ReadParquet) and any(path.startswith(f"{folder}/") for path in each.paths):
            raise ValueError(
                f"Cannot overwrite a path that you are reading from in the same task graph: {folder}; write elsewhere"
            )


def _check_appended(df: Any, fs: Any, folder: str, write_index: bool) -> None:
    """Raise ValueError where a dataframe does not go on from the files that are there."""
    if not fs.exists(folder) or not [each for each in fs.find(folder) if each.endswith(".parquet")]:
        return
    there = reading(folder, filesystem=fs, calculate_divisions=True)
    if write_index and not there.index and there.meta.index.name != df._meta.index.name:
        return
    columns, own = set(there.meta.columns), set(df.columns)
    if columns != own:
        raise ValueError(
            f"Appended columns not the same.\nPrevious: {sorted(columns)} | New: {sorted(own)}; select the same columns"
        )
    wrong = [name for name in columns if str(there.meta.dtypes[name]) != str(df._meta.dtypes[name])]
    wrong = [name for name in wrong if not isinstance(there.meta.dtypes[name], pd.CategoricalDtype)]
    if wrong:
        raise ValueError(f"Appended dtypes differ.\n{[(n, there.meta.dtypes[n], df._meta.dtypes[n]) for n in wrong]}")
    if there.known_divisions and df.known_divisions and df.divisions[0] <= there.divisions[-1]:
        raise ValueError(
            f"The divisions of the appended dataframe overlap with previously written divisions: it begins with "
            f"{df.divisions[0]}, and {folder} ends with {there.divisions[-1]}; pass ignore_divisions=True"
        )


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
