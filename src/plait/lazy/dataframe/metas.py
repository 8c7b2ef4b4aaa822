"""Metas: empty pandas objects that say columns, dtypes and index of what is computed later; and the same with two rows,
for functions that want to see values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

UNKNOWN_CATEGORIES = "__UNKNOWN_CATEGORIES__"


def is_frame_like(value: Any) -> bool:
    """Whether a value is a DataFrame, a Series or an Index."""
    return isinstance(value, (pd.DataFrame, pd.Series, pd.Index))


def empty_of(value: Any) -> Any:
    """The meta of a value: its first no rows; of a bare value, itself."""
    if isinstance(value, pd.Index):
        return value[:0]
    return value.iloc[:0] if is_frame_like(value) else value


# What users pass as meta= -----------------------------------------------------------------------------------------


def make_meta(x: Any, index: Any = None, parent_meta: Any = None) -> Any:
    """The meta that a value says.

    x: a pandas object, or a lazy one; a dict or pairs (name, dtype) for a dataframe; a tuple (name, dtype) for a
    series; a dtype, a type or a value for a scalar. index: a pandas index for it. Raises TypeError for other values.
    """
    known = getattr(x, "_meta", None)
    if known is not None:
        return known
    if is_frame_like(x):
        return empty_of(x)
    index = None if index is None else index[:0]
    if isinstance(x, Mapping):
        return pd.DataFrame({name: _empty_series(name, dtype, index) for name, dtype in x.items()}, index=index)
    if isinstance(x, tuple) and len(x) == 2 and not isinstance(x[0], tuple):
        return _empty_series(x[0], x[1], index)
    if isinstance(x, Iterable) and not isinstance(x, str):
        pairs = list(x)
        if not all(isinstance(each, tuple) and len(each) == 2 for each in pairs):
            raise ValueError(f"Expected iterable of tuples of (name, dtype), got {x}; pass [('x', 'int64'), ...]")
        frame = pd.DataFrame({name: _empty_series(name, dtype, index) for name, dtype in pairs}, index=index)
        return frame[[name for name, _ in pairs]] if pairs else frame
    return _scalar_meta(x)


def _empty_series(name: Any, dtype: Any, index: Any = None) -> pd.Series:
    if isinstance(dtype, str) and dtype == "category":
        dtype = pd.CategoricalDtype([UNKNOWN_CATEGORIES])
    return pd.Series([], dtype=dtype, name=name, index=index)


def _scalar_meta(x: Any) -> Any:
    if isinstance(x, type) and not issubclass(x, np.generic) and x not in (int, float, bool, str, complex, object):
        return x
    if hasattr(x, "dtype") and not isinstance(x, type):
        x = x.dtype
    try:
        dtype = np.dtype(x)
    except TypeError:
        if np.isscalar(x) or x is None or isinstance(x, (pd.Timestamp, pd.Timedelta)):
            return x
        raise TypeError(
            f"Don't know how to create metadata from {x!r}; pass a dtype, pairs (name, dtype), or a pandas object"
        ) from None
    return _nonempty_scalar(dtype)


def _nonempty_scalar(dtype: Any) -> Any:
    if dtype.kind in "iufcb":
        return dtype.type(1)
    if dtype.kind in "mM":
        return pd.Timestamp("1970-01-01") if dtype.kind == "M" else pd.Timedelta(1)
    return "foo" if dtype.kind in "SUO" else dtype.type()


# Metas with rows --------------------------------------------------------------------------------------------------


def meta_nonempty(x: Any) -> Any:
    """A pandas object like a meta, with two rows."""
    if isinstance(x, pd.DataFrame):
        index = meta_nonempty(x.index)
        made = pd.DataFrame({i: nonempty_series(x.iloc[:, i], index) for i in range(x.shape[1])}, index=index)
        made.columns = x.columns
        made.attrs = x.attrs
        return made
    if isinstance(x, pd.Series):
        return nonempty_series(x, meta_nonempty(x.index))
    return nonempty_index(x) if isinstance(x, pd.Index) else x


def nonempty_series(x: pd.Series, index: Any = None) -> pd.Series:
    """Two rows like those of a series."""
    index = meta_nonempty(x.index) if index is None else index
    made = pd.Series(_values(x.dtype, x), index=index, name=x.name)
    return made if made.dtype == x.dtype else made.astype(x.dtype)


def nonempty_index(index: Any) -> Any:
    """An index of two values like another."""
    if isinstance(index, pd.RangeIndex):
        return pd.RangeIndex(2, name=index.name)
    if isinstance(index, pd.MultiIndex):
        levels = [nonempty_index(level) for level in index.levels]
        return pd.MultiIndex(levels=levels, codes=[[0, 0] for _ in levels], names=index.names)
    if isinstance(index, pd.DatetimeIndex):
        made = pd.date_range("1970-01-01", periods=2, freq=index.freq or "D", tz=index.tz, name=index.name)
        return made.as_unit(index.unit)
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range("1970-01-01", periods=2, freq=index.freq, name=index.name)
    if isinstance(index, pd.TimedeltaIndex):
        return pd.timedelta_range("1D", periods=2, name=index.name).as_unit(index.unit)
    values = _values(index.dtype, index)
    return pd.Index(values, name=index.name, dtype=None if isinstance(index, pd.CategoricalIndex) else index.dtype)


def _values(dtype: Any, like: Any) -> Any:
    """Two values of a dtype."""
    if isinstance(dtype, pd.CategoricalDtype):
        known = list(dtype.categories[:1])
        codes = [known[0], None] if known else [None, None]
        return pd.Categorical(codes, categories=dtype.categories, ordered=dtype.ordered)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.array([pd.Timestamp("1970-01-01", tz=dtype.tz)] * 2, dtype=dtype)
    if isinstance(dtype, np.dtype):
        return np.array([_nonempty_scalar(dtype)] * 2, dtype=dtype if dtype.kind not in "mM" else None).astype(dtype)
    if isinstance(dtype, (pd.IntervalDtype, pd.PeriodDtype)):
        return pd.array([dtype.na_value] * 2, dtype=dtype)
    for example in ("foo", 1, True, 1.5, pd.Timestamp("1970-01-01")):
        try:
            return pd.array([example, example], dtype=dtype)
        except (TypeError, ValueError, ArithmeticError, NotImplementedError):
            continue
    array = getattr(like, "array", None)
    return pd.array([None, None], dtype=dtype) if array is None else array.take([-1, -1], allow_fill=True)
