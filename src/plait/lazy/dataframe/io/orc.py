"""ORC: files in partitions of stripes, read and written by pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from plait.lazy.bytes.opening import checked, fsspec, named
from plait.lazy.dataframe.elementwise import MapPartitions
from plait.lazy.dataframe.io.calls import FromMap
from plait.lazy.dataframe.io.parquet_files import natural
from plait.lazy.dataframe.io.writing import replacing
from plait.lazy.expressions.wrapping import Wrapped


def _library() -> Any:
    try:
        import pyarrow.orc
    except ImportError as error:
        raise ImportError('ORC files are read and written by pyarrow; pip install "plait[parquet]"') from error
    return pyarrow.orc


def reading(path: Any, columns: Any, index: Any, split_stripes: Any, storage_options: Any) -> FromMap:
    """The expression of read_orc(). split_stripes: how many to a partition; False for whole files."""
    fs, _, paths = fsspec().core.get_fs_token_paths(checked(path), mode="rb", storage_options=storage_options)
    files = sorted([each for path in paths for each in (fs.find(path) if fs.isdir(path) else [path])], key=natural)
    if not files:
        raise FileNotFoundError(f"{path} is no file, and matches none")
    with named(files[0]), fs.open(files[0], "rb") as opened:
        schema = _library().ORCFile(opened).schema
    _check(schema.names, columns, index)
    read = partial(_read, fs, None if columns is None else list(columns), index)
    like = _finished(schema.empty_table(), None if columns is None else list(columns), index)
    pieces = [piece for file in files for piece in _pieces(fs, file, split_stripes)]
    stamps = tuple([str(fs.ukey(each)) for each in files])
    return FromMap(read, tuple(pieces), (stamps,), {}, Wrapped(like), None, False, "read-orc")


def _check(names: Sequence[str], columns: Any, index: Any) -> None:
    wanted = [*(columns or ()), *([index] if isinstance(index, str) else ())]
    missing = [each for each in wanted if each not in names]
    if missing:
        raise ValueError(f"columns {missing} are not in the files; there are {list(names)}")


def _pieces(fs: Any, path: str, split: Any) -> list[tuple[str, tuple[int, ...] | None]]:
    if not split:
        return [(path, None)]
    with named(path), fs.open(path, "rb") as opened:
        count = _library().ORCFile(opened).nstripes
    step = int(split)
    return [(path, tuple(range(start, min(start + step, count)))) for start in range(0, count, step)]


def _read(fs: Any, columns: Any, index: Any, path: str, stripes: Any, stamps: Any) -> Any:
    import pyarrow as pa

    wanted = columns if columns is None or not index or index in columns else [*columns, index]
    with named(path), fs.open(path, "rb") as opened:
        file = _library().ORCFile(opened)
        if stripes is None:
            return _finished(file.read(columns=wanted), columns, index)
        parts = [file.read_stripe(each, columns=wanted) for each in stripes]
        return _finished(pa.Table.from_batches(parts), columns, index)


def _finished(table: Any, columns: Any, index: Any) -> Any:
    frame = table.to_pandas()
    if index:
        frame = frame.set_index(index)
    return frame if columns is None else frame[[each for each in columns if each != index]]


def to_orc(
    df: Any,
    path: Any,
    engine: Any = "pyarrow",
    write_index: bool = True,
    storage_options: Any = None,
    compute: bool = True,
    compute_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Write a dataframe as a folder of ORC files, part.N.orc, one a partition; the index as a column."""
    fs, folder = fsspec().core.url_to_fs(str(path), **(storage_options or {}))
    fs.makedirs(folder, exist_ok=True)
    names = [f"{folder}/part.{i}.orc" for i in range(df.npartitions)]
    write: Callable[..., Any] = partial(_write, fs, write_index)
    parts = FromMap(_same, tuple((name,) for name in names), (), {}, Wrapped(pd.Series([], dtype="str")))
    written = df._new(MapPartitions(write, (df.expr, parts), {}, Wrapped(pd.Series([], dtype="str")), False))
    if not compute:
        return written
    written.compute(**(compute_kwargs or {}))
    return None


def _same(name: str) -> str:
    return name


def _write(fs: Any, write_index: bool, frame: Any, path: str) -> Any:
    import pyarrow as pa

    frame = frame.reset_index() if write_index else frame
    with replacing(fs, path) as file:
        _library().write_table(pa.Table.from_pandas(frame, preserve_index=False), file)
    return pd.Series([path])
