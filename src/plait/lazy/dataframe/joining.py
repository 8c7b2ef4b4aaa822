"""Partitions put together: pandas objects, one after the other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd


def concatenated(parts: Sequence[Any], meta: Any = None) -> Any:
    """Pandas objects as one; what is no pandas object as a series. meta: the value where there are none.

    Empty ones are left out, since their dtypes say nothing, where others are there. Categories are united.
    """
    if not parts:
        return meta
    first = parts[0]
    if not isinstance(first, (pd.DataFrame, pd.Series, pd.Index)):
        return pd.Series(list(parts))
    filled = [part for part in parts if len(part)] or [first]
    if len(filled) == 1:
        return filled[0]
    if isinstance(first, pd.Index):
        return _indexes(filled)
    filled = _with_common_categories(filled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return _of_objects(pd.concat(filled), filled)


def _of_objects(whole: Any, parts: list[Any]) -> Any:
    """The whole, whose index has objects where all parts' have: pandas makes text of it."""
    if whole.index.dtype != object and all(part.index.dtype == object and part.index.nlevels == 1 for part in parts):
        return whole.set_axis(whole.index.astype(object))
    return whole


def _indexes(parts: list[Any]) -> Any:
    if all(isinstance(part, pd.CategoricalIndex) for part in parts):
        return pd.CategoricalIndex(pd.api.types.union_categoricals(parts, ignore_order=True), name=parts[0].name)
    return parts[0].append(parts[1:])


def _with_common_categories(parts: list[Any]) -> list[Any]:
    """Categoricals of the same column have the union of categories, so that they stay such; indexes likewise."""
    first = parts[0]
    parts = _index_categories(parts)
    if isinstance(first, pd.Series):
        if not isinstance(first.dtype, pd.CategoricalDtype):
            return parts
        united = _united([part.dtype for part in parts])
        return parts if united is None else [part.astype(united) for part in parts]
    columns = [i for i, dtype in enumerate(first.dtypes) if isinstance(dtype, pd.CategoricalDtype)]
    for i in columns:
        if any(part.shape[1] != first.shape[1] for part in parts):
            break
        united = _united([part.dtypes.iloc[i] for part in parts])
        if united is not None:
            parts = [_retyped(part, i, united) for part in parts]
    return parts


def _retyped(part: Any, i: int, dtype: Any) -> Any:
    part = part.copy(deep=False)
    part.isetitem(i, part.iloc[:, i].astype(dtype))
    return part


def _index_categories(parts: list[Any]) -> list[Any]:
    if not all(isinstance(part.index, pd.CategoricalIndex) for part in parts):
        return parts
    united = _united([part.index.dtype for part in parts])
    return parts if united is None else [part.set_axis(part.index.astype(united)) for part in parts]


def _united(dtypes: Sequence[Any]) -> Any:
    """The dtype with all categories; None where they are the same, or some are no categoricals."""
    if not all(isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes) or all(each == dtypes[0] for each in dtypes):
        return None
    categories = dtypes[0].categories
    for dtype in dtypes[1:]:
        categories = categories.append(dtype.categories.difference(categories, sort=False))
    return pd.CategoricalDtype(categories, ordered=dtypes[0].ordered and all(each.ordered for each in dtypes))
