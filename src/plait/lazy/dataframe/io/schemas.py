"""Schemas of parquet files, and what differs between them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


class SchemaError(ValueError):
    """The files of a dataset do not have the same columns."""


def check(path: str, found: pa.Schema, expected: pa.Schema, columns: list[str] | None) -> None:
    """Raise SchemaError where a file lacks columns, has others, or has them of types that cannot be widened.

    columns: those that are read; None for all, when columns that the first file has not are an error, too: they would
    be lost.
    """
    wanted = expected.names if columns is None else [name for name in columns if name in expected.names]
    missing = [name for name in wanted if name not in found.names]
    if missing:
        raise SchemaError(
            f"{path}: columns {missing} are missing, which the first file has; pass columns= without them"
        )
    extra = [name for name in found.names if name not in expected.names]
    if extra and columns is None:
        raise SchemaError(
            f"{path}: columns {extra} are not in the first file, and would be lost; pass columns= of those wanted"
        )
    for name in wanted:
        have, want = found.field(name).type, expected.field(name).type
        if have != want and not widens(have, want):
            raise SchemaError(
                f"{path}: column {name!r} is {have}, and {want} in the first file; write the files with one type"
            )


def widens(have: Any, want: Any) -> bool:
    """Whether values of a type are values of another: of more bits, or floats in the place of integers."""
    if pa.types.is_null(have) or have == want:
        return True
    if pa.types.is_integer(have) and pa.types.is_integer(want):
        return bool(have.bit_width <= want.bit_width)
    if pa.types.is_floating(want):
        return bool(pa.types.is_integer(have) or (pa.types.is_floating(have) and have.bit_width <= want.bit_width))
    if pa.types.is_timestamp(have) and pa.types.is_timestamp(want):
        return bool(have.tz == want.tz)
    return is_text(have) and is_text(want)


def is_text(kind: Any) -> bool:
    """Whether a type is one of texts."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
