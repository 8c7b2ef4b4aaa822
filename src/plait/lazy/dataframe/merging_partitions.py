"""Merging partitions: pandas' merge of two pieces, with the dtypes that the whole has."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals


def merged(left: Any, right: Any, meta: Any, keywords: dict[str, Any]) -> Any:
    """left merged with right. meta: of the result, or None where that is asked for."""
    if keywords["how"] == "leftsemi":
        inner = merged(left, _distinct(right, keywords["right_on"]), None, {**keywords, "how": "inner"})
        return inner[list(left.columns)]
    left, right = _with_shared_categories(left, right, keywords)
    result = left.merge(right, **keywords)
    if meta is None:
        return result
    if not len(left):
        result = result[meta.columns]  # pandas orders them otherwise where one side is empty
    kept = _kept(left, right, keywords)
    if kept is not None and not len(kept) and len(result):
        result = result.set_axis(_missing(kept.index, len(result)))
    if not len(result) and result.index.dtype != meta.index.dtype and meta.index.nlevels == 1:
        result.index = result.index.astype(meta.index.dtype)
    return result


def _kept(left: Any, right: Any, keywords: dict[str, Any]) -> Any:
    """The side whose index is that of the result, where the other is joined by its index; else None."""
    if keywords["left_index"] == keywords["right_index"]:
        return None
    return left if keywords["right_index"] else right


def _missing(index: Any, count: int) -> Any:
    """An index of missing values; pandas takes the other side's where this one is empty, and so would differ by
    partitions.
    """
    return pd.Index(index[:0].to_series().reindex(range(count)).array, name=index.name)


def _distinct(right: Any, keys: list[Any]) -> Any:
    return right[keys].drop_duplicates()


def _with_shared_categories(left: Any, right: Any, keywords: dict[str, Any]) -> tuple[Any, Any]:
    """Both sides with one set of categories for each key that is categorical on both; else it would not stay so."""
    for one, other in _keys(keywords):
        mine, theirs = _values(left, one), _values(right, other)
        both = all(isinstance(values.dtype, pd.CategoricalDtype) for values in (mine, theirs))
        if not both or mine.dtype == theirs.dtype or mine.dtype.ordered or theirs.dtype.ordered:
            continue
        categories = union_categoricals([pd.Categorical(mine), pd.Categorical(theirs)]).categories
        left = _replaced(left, one, pd.Categorical(mine, categories))
        right = _replaced(right, other, pd.Categorical(theirs, categories))
    return left, right


_INDEX: Any = object()


def _keys(keywords: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The keys of both sides, by pairs."""
    left = [_INDEX] if keywords["left_index"] else keywords["left_on"]
    right = [_INDEX] if keywords["right_index"] else keywords["right_on"]
    return list(zip(left, right, strict=False))


def _values(frame: Any, key: Any) -> Any:
    if key is _INDEX:
        return frame.index
    if isinstance(frame, pd.Series) or key not in frame.columns:
        return frame.index.get_level_values(key)
    return frame[key]


def _replaced(frame: Any, key: Any, values: Any) -> Any:
    frame = frame.copy(deep=False)
    if key is _INDEX or key not in frame.columns:
        frame.index = pd.CategoricalIndex(values, name=frame.index.name)
    else:
        frame[key] = values
    return frame
