"""Groups and totals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.groupby.aggregating import GroupbyAggregate
from plait.lazy.dataframe.groupby.specs import Wanted
from plait.lazy.dataframe.relational.relation import Column, Relation, UnsupportedError, kind_of, polars_type
from plait.lazy.dataframe.relational.scalars import common
from plait.lazy.dataframe.relational.translating import Translator, translates
from plait.lazy.dataframe.totals import Length, Mean, Total

_NUMBERS = {"int", "float"}
_ORDERED = {"int", "float", "datetime"}


@translates(GroupbyAggregate)
def grouped(expression: GroupbyAggregate, translator: Translator) -> Relation:
    """Aggregations of groups, sorted by the keys as pandas sorts them; keys that are missing are no group."""
    if expression.dropna is False:
        raise UnsupportedError("groups of missing keys stay with pandas")
    base = translator.relation(expression.frame)
    keys = [_key(base, key, translator) for key in expression.by]
    frame = base.rows.frame.with_columns(key.clean.alias(f"k{i}") for i, key in enumerate(keys))
    names = [f"k{i}" for i in range(len(keys))]
    frame = frame.filter(pl.all_horizontal([pl.col(name).is_not_null() for name in names]))
    dtypes = _dtypes(expression.meta)
    made = [_aggregated(base, each, dtype) for each, dtype in zip(expression.wanted, dtypes, strict=True)]
    frame = frame.group_by(names).agg(column.value.alias(f"a{i}") for i, column in enumerate(made))
    if expression.sort is not False:
        frame = frame.sort(names)
    index = expression.meta.index.names
    by = tuple(
        [(name, Column(pl.col(f"k{i}"), key.dtype)) for i, (name, key) in enumerate(zip(index, keys, strict=True))]
    )
    columns = {i: Column(pl.col(f"a{i}"), dtype, kind_of(dtype) == "float") for i, dtype in enumerate(dtypes)}
    return base.fresh(frame, _labelled(expression.meta, columns), by)


def _labelled(meta: Any, columns: dict[int, Column]) -> dict[Any, Column]:
    """By the labels of the result, which may be tuples."""
    labels = [meta.name] if isinstance(meta, pd.Series) else list(meta.columns)
    if len(set(labels)) < len(labels):
        raise UnsupportedError(f"column labels {labels} are not distinct")
    return dict(zip(labels, columns.values(), strict=True))


def _dtypes(meta: Any) -> list[Any]:
    return [meta.dtype] if isinstance(meta, pd.Series) else list(meta.dtypes)


def _key(base: Relation, key: Any, translator: Translator) -> Column:
    column: Column | None
    if isinstance(key, FrameExpression):
        found = translator.relation(key)
        common(base, found)
        column = found.only
    elif key in base.columns:
        column = base.columns[key]
    else:
        column = dict(base.index).get(key)
    if column is None:
        raise UnsupportedError(f"the key {key!r} stays with pandas")
    kind_of(column.dtype)
    return column


def _aggregated(base: Relation, wanted: Wanted, dtype: Any) -> Column:
    """One column of a result, as an aggregation."""
    options = dict(wanted.options)
    if not isinstance(wanted.function, str) or set(options) - {"ddof", "min_count"}:
        raise UnsupportedError(f"{wanted.function} with {options} stays with pandas")
    if wanted.function == "size":
        return Column(pl.len().cast(polars_type(dtype)), dtype)
    return Column(reduced(base.columns[wanted.column], wanted.function, options).cast(polars_type(dtype)), dtype)


def reduced(column: Column, function: str, options: dict[str, Any]) -> pl.Expr:
    """A function of all values of a column. Raises UnsupportedError for those that differ from pandas'."""
    kind, value = kind_of(column.dtype), column.clean
    if function == "count":
        return value.count()
    if function == "nunique":
        return value.drop_nulls().n_unique()
    if function in ("min", "max") and kind in _ORDERED:
        return getattr(value, function)()
    if function in ("sum", "prod") and kind in _NUMBERS:
        total = value.sum() if function == "sum" else value.product()
        minimum = options.get("min_count", 0)
        return total if minimum <= 0 else pl.when(value.count() >= minimum).then(total)
    if function == "mean" and kind in _NUMBERS:
        return value.mean()
    if function in ("var", "std") and kind in _NUMBERS:
        return getattr(value.cast(pl.Float64), function)(ddof=options.get("ddof", 1))
    raise UnsupportedError(f"{function} of {column.dtype} stays with pandas")


@translates(Total, Mean)
def total(expression: Any, translator: Translator) -> Relation:
    """A number of a series."""
    base = translator.relation(expression.frame)
    options = expression.options
    keywords = options["keywords"]
    if expression.frame.ndim != 1 or set(keywords) - {"skipna", "numeric_only"} or not keywords.get("skipna", True):
        raise UnsupportedError("totals of whole dataframes stay with pandas")
    dtype = np.asarray(expression.meta).dtype
    value = reduced(base.only, options.get("method", "mean"), {})
    return base.fresh(
        base.rows.frame.select(value.cast(polars_type(dtype)).alias("a")), {None: Column(pl.col("a"), dtype)}, ()
    )


@translates(Length)
def length(expression: Length, translator: Translator) -> Relation:
    """How many rows there are."""
    base = translator.relation(expression.frame)
    dtype = np.dtype("int64")
    return base.fresh(
        base.rows.frame.select(pl.len().cast(pl.Int64).alias("a")), {None: Column(pl.col("a"), dtype)}, ()
    )
