"""Tables turned: pivot_table, melt, get_dummies."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES
from plait.lazy.dataframe.reducing import Reduction

_FUNCTIONS = ("mean", "sum", "count", "first", "last")


class Pivot(Reduction):
    """A row for each value of a column, a column for each category of another. options: index, columns, values,
    aggfunc.
    """

    label = "pivot-table"

    @staticmethod
    def chunk(frame: Any, index: Any, columns: Any, values: Any, aggfunc: str) -> Any:
        tables = ("sum", "count") if aggfunc == "mean" else (aggfunc,)
        return [_table(frame, index, columns, values, each) for each in tables]

    @staticmethod
    def combine(parts: list[Any], aggfunc: str, **_: Any) -> Any:
        how = aggfunc if aggfunc in ("first", "last") else "sum"
        options = {} if how in ("first", "last") else {"min_count": 1}
        return [
            getattr(concatenated(list(tables)).groupby(level=0, observed=True), how)(**options)
            for tables in zip(*parts, strict=True)
        ]

    @staticmethod
    def aggregate(parts: list[Any], aggfunc: str, **options: Any) -> Any:
        found = Pivot.combine(parts, aggfunc)
        if aggfunc == "mean":
            return found[0] / found[1]
        return found[0].fillna(0).astype("float64") if aggfunc in ("sum", "count") else found[0]


def _table(frame: Any, index: Any, columns: Any, values: Any, how: str) -> Any:
    options = {"dropna": False, "observed": False}
    found = pd.pivot_table(frame, index=index, columns=columns, values=values, aggfunc=how, **options)
    if how in ("sum", "count"):  # places without rows are told apart from those whose sum is zero
        there = pd.pivot_table(frame, index=index, columns=columns, values=values, aggfunc="size", **options)
        if not isinstance(values, list):
            found = found.where(there.reindex_like(found) > 0)
    return found


def pivot_table(df: Any, index: Any = None, columns: Any = None, values: Any = None, aggfunc: str = "mean") -> Any:
    """As pandas' pivot_table(), of a column of known categories. aggfunc: mean, sum, count, first or last.

    Raises ValueError for columns that are not there, or whose categories are unknown.
    """
    if not pd.api.types.is_scalar(index) or index is None or index not in df.columns:
        raise ValueError("'index' must be the name of an existing column")
    if not pd.api.types.is_scalar(columns) or columns is None or columns not in df.columns:
        raise ValueError("'columns' must be the name of an existing column")
    if not isinstance(df[columns].dtype, pd.CategoricalDtype):
        raise ValueError("'columns' must be category dtype; call categorize() first")
    if UNKNOWN_CATEGORIES in df[columns].dtype.categories:
        raise ValueError("'columns' must have known categories. Please use `df[columns].cat.as_known()` beforehand")
    wanted = values if isinstance(values, list) else [values]
    if not all(pd.api.types.is_scalar(each) and each is not None and each in df.columns for each in wanted):
        raise ValueError("'values' must refer to an existing column or columns")
    if not isinstance(aggfunc, str) or aggfunc not in _FUNCTIONS:
        raise ValueError(f"aggfunc must be either {', '.join(map(repr, _FUNCTIONS))}, got {aggfunc!r}")
    needed = df[list(dict.fromkeys([index, columns, *wanted]))]
    options = {"index": index, "columns": columns, "values": values, "aggfunc": aggfunc}
    return df._new(Pivot(needed.expr, options))


def melt(
    frame: Any,
    id_vars: Any = None,
    value_vars: Any = None,
    var_name: Any = None,
    value_name: Any = "value",
    col_level: Any = None,
) -> Any:
    """As pandas' melt(), partition by partition, so rows of one column are not side by side."""
    options = {"id_vars": id_vars, "value_vars": value_vars, "var_name": var_name, "value_name": value_name}
    return frame.map_partitions(pd.melt, **options, col_level=col_level, clear_divisions=True)


def get_dummies(
    data: Any,
    prefix: Any = None,
    prefix_sep: str = "_",
    dummy_na: bool = False,
    columns: Any = None,
    sparse: bool = False,
    drop_first: bool = False,
    dtype: Any = bool,
    **kwargs: Any,
) -> Any:
    """As pandas' get_dummies(), of columns whose categories are known. Raises NotImplementedError for others."""
    options = {
        "prefix": prefix,
        "prefix_sep": prefix_sep,
        "dummy_na": dummy_na,
        "columns": columns,
        "sparse": sparse,
        "drop_first": drop_first,
        "dtype": dtype,
        **kwargs,
    }
    if isinstance(data, (pd.Series, pd.DataFrame)):
        return pd.get_dummies(data, **options)
    if not hasattr(data, "expr") or data._meta.ndim not in (1, 2):
        raise TypeError(f"get_dummies takes a dataframe or a series, got {type(data).__name__}")
    if data._meta.ndim == 1:
        options.pop("columns")
        looked_at = {data.name: data._meta}
    else:
        chosen = columns
        if chosen is None:
            if any(str(kind) in ("object", "str", "string") for kind in data.dtypes):
                raise NotImplementedError(
                    "`get_dummies` with non-categorical dtypes is not supported. Please use `df.categorize()` "
                    "beforehand to convert to categorical dtype."
                )
            chosen = data._meta.select_dtypes("category").columns
        looked_at = {label: data._meta[label] for label in chosen}
    for label, series in looked_at.items():
        if not isinstance(series.dtype, pd.CategoricalDtype):
            raise NotImplementedError(
                f"`get_dummies` with non-categorical dtypes is not supported: {label!r} is {series.dtype}. Please use "
                "`df.categorize()` beforehand to convert to categorical dtype."
            )
        if UNKNOWN_CATEGORIES in series.dtype.categories:
            raise NotImplementedError(
                f"`get_dummies` with unknown categories is not supported: {label!r}. Please use "
                "`column.cat.as_known()` or `df.categorize()` beforehand to ensure known categories"
            )
    return data.map_partitions(pd.get_dummies, **options)


class Pivoting:
    """A mixin of dataframes."""

    def pivot_table(self, index: Any = None, columns: Any = None, values: Any = None, aggfunc: str = "mean") -> Any:
        """As the function pivot_table()."""
        return pivot_table(self, index=index, columns=columns, values=values, aggfunc=aggfunc)

    def melt(self, **options: Any) -> Any:
        """As the function melt()."""
        return melt(self, **options)
