"""Functions that make dataframes of what is in files, or of what functions give."""

from __future__ import annotations

from typing import Any

from plait.lazy.dataframe.frames import collection
from plait.lazy.dataframe.io import arrays, calls, json, orc
from plait.lazy.dataframe.io.csv import text_of
from plait.lazy.dataframe.io.parquet import reading
from plait.lazy.dataframe.io.parquet_files import ENDINGS
from plait.lazy.expressions import Collection


def read_parquet(
    path: Any,
    columns: Any = None,
    filters: Any = None,
    categories: Any = None,
    index: Any = None,
    storage_options: Any = None,
    engine: Any = "auto",
    dtype_backend: Any = None,
    calculate_divisions: bool = False,
    ignore_metadata_file: bool = False,
    metadata_task_size: Any = None,
    split_row_groups: Any = "infer",
    blocksize: Any = "256 MiB",
    aggregate_files: Any = None,
    parquet_file_extension: Any = ENDINGS,
    filesystem: Any = "fsspec",
    schema: Any = None,
    **options: Any,
) -> Any:
    """A lazy dataframe of parquet files: of a path, URL, folder, pattern, or a list of them.

    columns: labels; one alone for a series. filters: (column, test, value) that all must hold, or lists of such of
    which one must; rows are filtered, and row groups left out by their statistics. index: columns for it; False for
    none; by default what pandas wrote. calculate_divisions: by statistics. split_row_groups: a partition for each row
    group, or so many. blocksize, aggregate_files: put small files together. schema: {column: pyarrow's type} for what
    differs between files; see `io.parquet` for what is done without. Raises ParquetError naming file, row group,
    column.
    """
    if engine not in ("auto", "pyarrow") and not isinstance(engine, type):
        raise ValueError(f"Unsupported engine: {engine!r}; pass 'pyarrow', which is what there is")
    unknown_options = set(options) - {"arrow_to_pandas", "dataset", "open_file_options", "read"}
    if unknown_options:
        raise TypeError(f"read_parquet() takes no {sorted(unknown_options)}; see its parameters")
    return collection(
        reading(
            path,
            columns,
            filters,
            categories,
            index,
            storage_options,
            dtype_backend,
            calculate_divisions,
            split_row_groups,
            blocksize,
            aggregate_files,
            parquet_file_extension,
            filesystem,
            schema,
        )
    )


def _text_function(parser: str) -> Any:
    def read(
        urlpath: Any,
        blocksize: Any = "default",
        lineterminator: str | None = None,
        compression: Any = "infer",
        sample: Any = 256000,
        sample_rows: int = 10,
        enforce: bool = False,
        assume_missing: bool = False,
        storage_options: Any = None,
        include_path_column: Any = False,
        **keywords: Any,
    ) -> Any:
        return collection(
            text_of(
                parser,
                urlpath,
                blocksize,
                lineterminator,
                compression,
                sample,
                enforce,
                assume_missing,
                storage_options,
                include_path_column,
                **keywords,
            )
        )

    read.__name__ = read.__qualname__ = parser
    read.__doc__ = f"""A lazy dataframe of text files, by pandas.{parser}: of a path, URL, pattern, or a list of them.

    blocksize: bytes of a partition, None for whole files. sample: bytes of the first file that say columns and dtypes;
    sample_rows: not needed, all of it is looked at. assume_missing: whole numbers are read as floats.
    include_path_column: True, or a label, for a column of paths. keywords: of pandas.{parser}. Raises CSVError or
    pandas' ParserError naming file, line and column.
    """
    return read


read_csv = _text_function("read_csv")
read_table = _text_function("read_table")
read_fwf = _text_function("read_fwf")


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


def from_array(x: Any, chunksize: int = 50000, columns: Any = None, meta: Any = None, index: Any = None) -> Any:
    """A lazy dataframe or series of the rows of an array: of one axis, of two, or structured.

    chunksize: rows of a partition; a lazy array's partitions are its blocks. columns: labels, or one for a series.
    index: a lazy one, of as many partitions, for lazy arrays.
    """
    if isinstance(x, Collection):
        return from_dask_array(x, columns, index, meta)
    return collection(arrays.in_memory_array(x, chunksize, columns, meta))


def from_dask_array(x: Any, columns: Any = None, index: Any = None, meta: Any = None) -> Any:
    """As from_array(), of a lazy array. Divisions are known where the sizes of its blocks are."""
    array = x.expr
    if array.ndim > 1 and array.numblocks[1] > 1:
        array = x.rechunk({1: x.shape[1]}).expr
    if index is not None and not isinstance(index, Collection):
        raise ValueError(f"'index' must be an instance of a lazy Index or Series, got {type(index).__name__}")
    return collection(arrays.of_blocks(array, columns, None if index is None else index.expr, meta))


def read_orc(
    path: Any,
    engine: Any = "pyarrow",
    columns: Any = None,
    index: Any = None,
    split_stripes: Any = 1,
    aggregate_files: Any = None,
    storage_options: Any = None,
) -> Any:
    """A lazy dataframe of ORC files: of a path, URL, folder, pattern, or a list of them.

    split_stripes: how many stripes a partition has, False for whole files. index: a column for it.
    """
    return collection(orc.reading(path, columns, index, split_stripes, storage_options))
