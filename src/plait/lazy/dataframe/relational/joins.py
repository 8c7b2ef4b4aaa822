"""Joins and sorts."""

from __future__ import annotations

from typing import Any

import polars as pl

from plait.lazy.dataframe.merging import Merge
from plait.lazy.dataframe.relational.relation import Column, Relation, UnsupportedError, kind_of, labels
from plait.lazy.dataframe.relational.translating import Translator, translates
from plait.lazy.dataframe.selecting import ResetIndex
from plait.lazy.dataframe.sorting import SortValues

_HOW: dict[str, Any] = {"inner": "inner", "left": "left", "right": "right", "outer": "full"}


@translates(Merge)
def merged(expression: Merge, translator: Translator) -> Relation:
    """left.merge(right) by columns: missing keys are equal, as for pandas; the order of rows is not defined."""
    if expression.left_index or expression.right_index or expression.indicator or expression.how not in _HOW:
        raise UnsupportedError("merges by an index, of other kinds, or with an indicator stay with pandas")
    sides = [translator.relation(each) for each in (expression.left, expression.right)]
    keys = [_keys(side, on) for side, on in zip(sides, (expression.left_on, expression.right_on), strict=True)]
    for left, right in zip(*keys, strict=True):
        if left.dtype != right.dtype:
            raise UnsupportedError(f"keys of {left.dtype} and {right.dtype} stay with pandas")
    frames = [_named(side, key, letter) for side, key, letter in zip(sides, keys, "lr", strict=True)]
    count = len(keys[0])
    joined = frames[0].join(
        frames[1],
        left_on=[f"lk{i}" for i in range(count)],
        right_on=[f"rk{i}" for i in range(count)],
        how=_HOW[expression.how],
        nulls_equal=True,
        coalesce=False,
        maintain_order="none",
    )
    return sides[0].fresh(joined, _result(expression, sides), ())


def _keys(side: Relation, on: Any) -> list[Column]:
    if not all(label in side.columns for label in on):
        raise UnsupportedError("keys that are levels of the index stay with pandas")
    found = [side.columns[label] for label in on]
    for column in found:
        if kind_of(column.dtype) == "bool":
            raise UnsupportedError("keys of booleans stay with pandas")
    return found


def _named(side: Relation, keys: list[Column], letter: str) -> pl.LazyFrame:
    """The keys, and all columns, by names that the other side has not."""
    chosen = [key.clean.alias(f"{letter}k{i}") for i, key in enumerate(keys)]
    chosen += [column.clean.alias(f"{letter}{i}") for i, column in enumerate(side.columns.values())]
    return side.rows.frame.select(chosen)


def _result(expression: Merge, sides: list[Relation]) -> dict[Any, Column]:
    """The columns of the result by label: a key of one name on both sides is one column."""
    meta = expression.meta
    names = labels(meta.columns)
    found: list[pl.Expr] = []
    both = {left for left, right in zip(expression.left_on, expression.right_on, strict=True) if left == right}
    left, right = [list(side.columns) for side in sides]
    for i, label in enumerate(left):
        value = pl.col(f"l{i}")
        if label in both:
            value = pl.coalesce(value, pl.col(f"r{right.index(label)}"))
        found.append(value)
    found += [pl.col(f"r{i}") for i, label in enumerate(right) if label not in both]
    if len(found) != len(names):
        raise UnsupportedError(f"the columns {names} of this merge stay with pandas")
    dtypes = _dtypes(expression, sides, both)
    return {name: Column(value, dtype) for name, value, dtype in zip(names, found, dtypes, strict=True)}


def _dtypes(expression: Merge, sides: list[Relation], both: set[Any]) -> list[Any]:
    """Those of the sides: rows without a match are null in a query, whatever the dtype."""
    left = [column.dtype for column in sides[0].columns.values()]
    right = [column.dtype for label, column in sides[1].columns.items() if label not in both]
    if expression.how != "inner" and any(kind_of(dtype) == "bool" for dtype in (*left, *right)):
        raise UnsupportedError("booleans without a match stay with pandas")
    return [*left, *right]


@translates(ResetIndex)
def reset(expression: ResetIndex, translator: Translator) -> Relation:
    """The index as columns, or left out."""
    base = translator.relation(expression.frame)
    if expression.drop:
        return Relation(base.rows, base.columns, ())
    if expression.frame.ndim == 1 and expression.frame.meta.name is None:
        raise UnsupportedError("a series without a name stays with pandas")
    names = labels(expression.meta.columns)
    values = [column for _, column in base.index] + list(base.columns.values())
    if len(names) != len(values):
        raise UnsupportedError("numbers of rows as a column stay with pandas")
    return Relation(base.rows, dict(zip(names, values, strict=True)), ())


@translates(SortValues)
def ordered(expression: SortValues, translator: Translator) -> Relation:
    """Sorted by columns, missing values first or last."""
    base = translator.relation(expression.frame)
    if expression.function is not None or expression.keywords or expression.ignore_index:
        raise UnsupportedError("sorting by a function stays with pandas")
    by = [base.columns[label].clean for label in expression.by]
    ascending = expression.ascending
    descending = [not each for each in ascending] if isinstance(ascending, (list, tuple)) else [not ascending] * len(by)
    frame = base.rows.frame.sort(
        by, descending=descending, nulls_last=expression.na_position == "last", maintain_order=True
    )
    return base.fresh(frame, base.columns, base.index)
