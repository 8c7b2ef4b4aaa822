"""Relations: frame expressions as Polars sees them.

A relation is some rows, a lazy frame, and columns computed of each row alone. Expressions that work row by row share
the rows of their inputs, so that any number of them is one pass over the data; what chooses, groups, joins or sorts
rows makes new ones.

Missing values: inside a plan a value that pandas calls missing is null. Floats may also hold NaN, which pandas takes
for missing, too: a column says so by `nan`, and whoever looks at values asks for `clean` ones. What a comparison gives
is null where a value is missing: a filter drops these rows as pandas does, and a column of it has `where_missing`
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl


class UnsupportedError(Exception):
    """An expression has no Polars form that gives pandas' result; says why, for explain()."""


class Column(NamedTuple):
    """A value of each row. dtype: of pandas' result; nan: whether floats may hold NaN; where_missing: of a comparison's
    boolean, what pandas has where the Polars value is null.
    """

    value: pl.Expr
    dtype: Any
    nan: bool = False
    where_missing: bool | None = None

    @property
    def clean(self) -> pl.Expr:
        """The value with null for all that pandas takes for missing."""
        if self.where_missing is not None:
            return self.value.fill_null(self.where_missing)
        return self.value.fill_nan(None) if self.nan else self.value

    @property
    def truth(self) -> pl.Expr:
        """Of a boolean: true exactly where pandas has True; else false or null."""
        return self.clean if self.where_missing else self.value


class Rows:
    """Rows, told apart by identity."""

    __slots__ = ("frame",)

    def __init__(self, frame: pl.LazyFrame) -> None:
        self.frame = frame


@dataclass(frozen=True, eq=False)
class Relation:
    """See the module. columns: by label, in order; of a series one. index: its columns by name; none where it is the
    numbers of the rows, which each operation begins anew.
    """

    rows: Rows
    columns: Mapping[Any, Column]
    index: tuple[tuple[Any, Column], ...] = ()

    @property
    def only(self) -> Column:
        """The column of a series."""
        (column,) = self.columns.values()
        return column

    def fresh(
        self, frame: pl.LazyFrame, columns: Mapping[Any, Column], index: tuple[tuple[Any, Column], ...]
    ) -> Relation:
        """A relation of new rows."""
        return Relation(Rows(frame), columns, index)


def kind_of(dtype: Any) -> str:
    """int, float, bool, str or datetime. Raises UnsupportedError for other dtypes."""
    if isinstance(dtype, np.dtype):
        if dtype.kind in "iu":
            return "int"
        if dtype.kind == "f" and dtype.itemsize >= 4:
            return "float"
        if dtype.kind == "b":
            return "bool"
        if dtype.kind == "M" and np.datetime_data(dtype)[0] in ("ms", "us", "ns"):
            return "datetime"
    elif isinstance(dtype, pd.StringDtype) and dtype.na_value is not pd.NA:
        return "str"
    raise UnsupportedError(f"values of {dtype} stay with pandas")


_POLARS = {
    "int8": pl.Int8,
    "int16": pl.Int16,
    "int32": pl.Int32,
    "int64": pl.Int64,
    "uint8": pl.UInt8,
    "uint16": pl.UInt16,
    "uint32": pl.UInt32,
    "uint64": pl.UInt64,
    "float32": pl.Float32,
    "float64": pl.Float64,
    "bool": pl.Boolean,
}


def polars_type(dtype: Any) -> Any:
    """The type of Polars for a dtype of pandas."""
    kind = kind_of(dtype)
    if kind == "str":
        return pl.String
    if kind == "datetime":
        unit: Any = np.datetime_data(dtype)[0]
        return pl.Datetime(unit)
    return _POLARS[dtype.name]


def labels(names: Any) -> list[str]:
    """Column labels that can be names in Polars: distinct texts. Raises UnsupportedError."""
    found = list(names)
    if not all(isinstance(each, str) for each in found) or len(set(found)) != len(found):
        raise UnsupportedError(f"column labels {found} are not distinct texts")
    return found
