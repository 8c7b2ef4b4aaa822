"""Parquet files: which there are, what their footers say, and reading row groups with errors that say where.

A folder's files are those with a known ending, hidden ones left out, in natural order; `key=value` folders below it
are columns (hive). pyarrow parses. What fails is looked for again row group by row group and column by column, so that
the error names them: only a broken file pays for that. Pages' checksums are verified where a file has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

ENDINGS = (".parq", ".parquet", ".pq")


class ParquetError(OSError, ValueError):
    """A parquet file is broken, or is not like the others."""


class Piece(NamedTuple):
    """Row groups of a file, None for all."""

    path: str
    groups: tuple[int, ...] | None


class HiveColumn(NamedTuple):
    """A column that names of folders say: its label, and all values, sorted."""

    label: str
    values: tuple[Any, ...]


def pyarrow_parquet() -> Any:
    """The library. Raises ImportError, saying how to install it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError('parquet files are read and written by pyarrow; pip install "plait[parquet]"') from error
    return pyarrow.parquet


def natural(path: str) -> list[Any]:
    """A key that sorts part.10 behind part.9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)]


def found(fs: Any, paths: Sequence[str], ending: Any) -> tuple[list[str], str]:
    """The files of paths or of one folder, and the folder they are in. Raises FileNotFoundError."""
    if len(paths) > 1 or not fs.isdir(paths[0]):
        named = [path for path in paths if len(paths) == 1 or not _hidden(path.rpartition("/")[2])]
        files = [each for path in named for each in (_files(fs, path, ending) if fs.isdir(path) else [path])]
        folder = paths[0] if fs.isdir(paths[0]) else paths[0].rpartition("/")[0]
        return files, folder
    files = _files(fs, paths[0], ending)
    if not files:
        raise FileNotFoundError(f"{paths[0]}: no parquet files in this folder; pass one with {ending or 'files'} in it")
    return files, paths[0]


def _files(fs: Any, folder: str, ending: Any) -> list[str]:
    endings = (ending,) if isinstance(ending, str) else ending
    every = [path for path in fs.find(folder) if not _hidden(path[len(folder) :])]
    known = [path for path in every if endings is None or path.endswith(tuple(endings))]
    return sorted(known, key=natural)


def _hidden(below: str) -> bool:
    return any(part.startswith((".", "_")) and "=" not in part for part in below.split("/"))


def footer(fs: Any, path: str) -> Any:
    """The metadata of a file. Raises ParquetError naming it."""
    try:
        with fs.open(path, "rb") as opened:
            return pyarrow_parquet().ParquetFile(opened).metadata
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ParquetError(_broken(path, error)) from error


def _broken(path: str, error: Any) -> str:
    return f"{path}: its footer cannot be read ({error}); the file is cut short or is no parquet file: write it again"


def hive_values(path: str, folder: str) -> list[tuple[str, str]]:
    """(key, value) for each folder key=value between a folder and a file in it."""
    from urllib.parse import unquote

    parts = path[len(folder) :].split("/")[:-1] if path.startswith(folder) else []
    return [(part.split("=", 1)[0], unquote(part.split("=", 1)[1])) for part in parts if "=" in part]


def hive_columns(files: Iterable[str], folder: str) -> tuple[HiveColumn, ...]:
    """The columns that folders say; numbers where all values are whole numbers."""
    values: dict[str, set[str]] = {}
    for path in files:
        for key, value in hive_values(path, folder):
            values.setdefault(key, set()).add(value)
    return tuple([HiveColumn(key, _typed(each)) for key, each in values.items()])


def _typed(values: set[str]) -> tuple[Any, ...]:
    if all(re.fullmatch(r"-?\d+", value) for value in values):
        return tuple(sorted({int(value) for value in values}))
    return tuple(sorted(values, key=natural))


def read_groups(fs: Any, piece: Piece, columns: Sequence[str], schema: Any) -> Any:
    """A pyarrow table of row groups, with `columns` of `schema`, in its types.

    Raises ParquetError naming the file, and where it is broken, the row group and column; or how its schema differs.
    """
    parquet = pyarrow_parquet()
    with fs.open(piece.path, "rb") as opened:
        try:
            file = parquet.ParquetFile(opened, page_checksum_verification=True)
        except Exception as error:
            raise ParquetError(_broken(piece.path, error)) from error
        groups = list(range(file.num_row_groups)) if piece.groups is None else list(piece.groups)
        _check_extra(piece.path, file.schema_arrow, schema)
        there = [name for name in columns if name in file.schema_arrow.names]
        try:
            table = file.read_row_groups(groups, columns=there)
        except Exception as error:
            raise ParquetError(_located(file, piece.path, groups, there, error)) from error
    return _conformed(table, piece.path, columns, schema)


def _located(file: Any, path: str, groups: Sequence[int], columns: Sequence[str], error: Exception) -> str:
    """Where a file is broken: the first row group and column that cannot be read alone."""
    for group in groups:
        for column in columns:
            try:
                file.read_row_group(group, columns=[column])
            except Exception as each:
                return f"{path}: row group {group}, column {column!r} cannot be read ({each}); write the file again"
    return f"{path}: row groups {list(groups)} cannot be read ({error}); write the file again"


def _check_extra(path: str, own: Any, schema: Any) -> None:
    extra = [name for name in own.names if name not in schema.names and not name.startswith("__index_level_")]
    if extra:
        types = {name: str(own.field(name).type) for name in extra}
        raise ParquetError(
            f"{path}: has columns {types} that the first file has not; pass columns= without them to leave them out, "
            "or schema= with them to have them, null in the other files"
        )


def _conformed(table: Any, path: str, columns: Sequence[str], schema: Any) -> Any:
    """A table with columns in the types of a schema; those that it has not are null."""
    import pyarrow as pa

    arrays = []
    for name in columns:
        wanted = schema.field(name).type
        if name not in table.column_names:
            if not schema.field(name).nullable:
                raise ParquetError(f"{path}: has no column {name!r} ({wanted}); write it, or pass columns= without it")
            arrays.append(pa.nulls(len(table), wanted))
            continue
        values = table.column(name)
        arrays.append(values if values.type.equals(wanted) else _cast(values, wanted, path, name))
    kept = pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)
    if not arrays:
        return table.replace_schema_metadata(schema.metadata)
    return pa.table(arrays, schema=kept)


def _cast(values: Any, wanted: Any, path: str, name: str) -> Any:
    try:
        return values.cast(wanted)
    except Exception as error:
        raise ParquetError(
            f"{path}: column {name!r} is {values.type}, and in the first file {wanted}, which does not hold it "
            f"({error}); pass schema={{{name!r}: ...}} with a type that holds both, or write the file again"
        ) from error
