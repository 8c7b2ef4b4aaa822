"""Stacking: pandas objects below or beside each other, as pandas.concat, with categories united."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals


def stacked(parts: Sequence[Any], join: str = "outer", ignore_order: bool = False, **keywords: Any) -> Any:
    """Frames and series below each other. Columns that are categorical in all that have them stay so, with all
    categories; ordered ones only if these are the same, or with ignore_order, which makes them unordered.
    """
    first = parts[0]
    if isinstance(first, pd.Index):
        return _stacked_indexes(list(parts))
    if len(parts) == 1 and not keywords:
        return first
    united = _united(list(parts), ignore_order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        whole = pd.concat(united, join=join, **keywords)
    indexes = [part.index for part in parts]
    if all(isinstance(index, pd.CategoricalIndex) for index in indexes):
        whole.index = _stacked_indexes(indexes)
    elif all(index.dtype == object and index.nlevels == 1 for index in indexes):
        whole.index = whole.index.astype(object)  # which pandas makes text
    return whole


def beside(parts: Sequence[Any], join: str = "outer", **keywords: Any) -> Any:
    """Frames and series side by side, by their index."""
    whole = pd.concat(list(parts), axis=1, join=join, **keywords)
    index = parts[0].index
    return whole if whole.index.is_monotonic_increasing or not index.is_monotonic_increasing else whole.sort_index()


def beside_by_rows(parts: Sequence[Any], join: str = "outer", **keywords: Any) -> Any:
    """As beside(), of parts that are taken to have the same index. Raises ValueError where the lengths differ."""
    if len({len(part) for part in parts}) > 1:
        raise ValueError(
            f"Concatenated DataFrames of different lengths, {[len(part) for part in parts]}; their divisions are "
            "unknown: call set_index, or reset_index and set_index, first"
        )
    return beside(parts, join, **keywords)


def conformed(part: Any, meta: Any, join: str, ignore_order: bool, keywords: dict[str, Any]) -> Any:
    """A partition with the columns and dtypes of the whole's meta."""
    whole = stacked([meta, part], join, ignore_order, **keywords)
    if isinstance(meta, pd.DataFrame) and list(whole.columns) == list(meta.columns):
        wanted = {
            place: dtype
            for place, (dtype, found) in enumerate(zip(meta.dtypes, whole.dtypes, strict=True))
            if dtype != found and not isinstance(found, pd.CategoricalDtype) and dtype.kind == "f"
        }
        for place, dtype in wanted.items():
            whole.isetitem(place, whole.iloc[:, place].astype(dtype))
    return whole


def _stacked_indexes(parts: list[Any]) -> Any:
    if len(parts) > 1 and all(isinstance(part, pd.CategoricalIndex) for part in parts):
        return pd.CategoricalIndex(union_categoricals([part.array for part in parts]), name=parts[0].name)
    return parts[0].append(parts[1:])


def _united(parts: list[Any], ignore_order: bool) -> list[Any]:
    """The parts with one set of categories for each column that is categorical in all that have it."""
    if all(part.ndim == 1 for part in parts):
        return _of_one_kind(parts, ignore_order)
    labels = {
        label
        for part in parts
        if part.ndim == 2 and part.columns.is_unique
        for label, dtype in part.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype)
    }
    for label in labels:
        have = [place for place, part in enumerate(parts) if part.ndim == 2 and label in part.columns]
        columns = [parts[place][label] for place in have]
        for place, old, new in zip(have, columns, _of_one_kind(columns, ignore_order), strict=True):
            if new is not old:
                parts[place] = parts[place].copy(deep=False)
                parts[place][label] = new
    return parts


def _of_one_kind(columns: list[Any], ignore_order: bool) -> list[Any]:
    """Categorical series with all their categories, where they differ; others as they are."""
    dtypes = [column.dtype for column in columns]
    if not all(isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes):
        return columns
    if all(dtype.ordered == dtypes[0].ordered and dtype.categories.equals(dtypes[0].categories) for dtype in dtypes):
        return columns
    if ignore_order:
        columns = [column.cat.as_unordered() for column in columns]
    whole = union_categoricals([column.array for column in columns])
    return [column.cat.set_categories(whole.categories) for column in columns]


def concat(
    dfs: Sequence[Any],
    axis: Any = 0,
    join: str = "outer",
    uniform: bool = False,
    filter_warning: bool = True,
    ignore_index: bool = False,
    **options: Any,
) -> Any:
    """Pandas objects as one, below each other, or with axis=1 beside each other. uniform, filter_warning: unused."""
    if axis in (1, "columns"):
        return beside(dfs, join)
    keywords = {"ignore_index": True} if ignore_index else {}
    return stacked(dfs, join, options.get("ignore_order", False), **keywords)
