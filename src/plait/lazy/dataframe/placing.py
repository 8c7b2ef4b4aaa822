"""Placing rows: which partition a row goes to, by its keys. Equal keys go to one partition, in every process.

Keys are equal as pandas' merge and groupby have it: 1, 1.0, True and Int64's 1; text of any dtype; categories by their
values; times by the instant, whatever their unit; and all that is missing is one key.

Cost: about 10 ns a number and 60 ns a text that is seen for the first time.
"""

from __future__ import annotations

from numbers import Number
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]

_MISSING = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(1_000_003)


def places(keys: Any, count: int) -> NDArray[Any]:
    """For each row of a DataFrame, a Series or an Index the number of its partition, of `count`."""
    return (hashes(keys) % np.uint64(count)).astype(np.min_scalar_type(-(count + 1)))


def hashes(keys: Any) -> Hashes:
    """A hash of each row."""
    columns = _columns(keys)
    found = _of_values(columns[0]) if columns else np.zeros(len(keys), "uint64")
    for column in columns[1:]:
        found = (found * _MIX) ^ _of_values(column)
    return found


def _columns(keys: Any) -> list[Any]:
    if isinstance(keys, pd.DataFrame):
        return [keys.iloc[:, place].array for place in range(keys.shape[1])]
    if isinstance(keys, pd.MultiIndex):
        return [keys.get_level_values(level).array for level in range(keys.nlevels)]
    return [keys.array]


def _of_values(values: Any) -> Hashes:
    """Of one column's array."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        of_categories = np.append(_of_values(values.categories.array), _MISSING)
        return of_categories[values.codes]  # the code of what is missing is -1
    kind = getattr(dtype, "kind", "O")
    if kind in "iufb":
        return _of_numbers(pd.Series(values).to_numpy("float64", na_value=np.nan))
    if kind in "mM" and not isinstance(dtype, pd.PeriodDtype):
        return _of_times(values, kind)
    return _of_objects(np.asarray(values, dtype=object), isinstance(dtype, pd.StringDtype))


def _of_numbers(numbers: NDArray[np.float64]) -> Hashes:
    found = pd.util.hash_array(numbers + 0.0)  # -0.0 is 0.0
    return np.where(np.isnan(numbers), _MISSING, found)


def _of_times(values: Any, kind: str) -> Hashes:
    series = pd.Series(values)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(None)
    plain = series.to_numpy(f"{kind}8[us]")  # finer digits cannot tell apart what is equal
    return np.where(np.isnat(plain), _MISSING, pd.util.hash_array(plain.view("int64")))


def _of_objects(values: NDArray[Any], text: bool) -> Hashes:
    """Of numbers, text and anything else, mixed. text: it is known that there is nothing else."""
    found = np.full(len(values), _MISSING)
    present = ~np.asarray(pd.isna(values), dtype=bool)
    if not text and pd.api.types.infer_dtype(values, skipna=True) != "string":
        numeric = present & np.array([isinstance(each, Number) for each in values], dtype=bool)
        found[numeric] = _of_numbers(values[numeric].astype("float64"))
        present &= ~numeric
        values = np.array([str(each) for each in values], dtype=object)
    found[present] = pd.util.hash_array(values[present], categorize=True)
    return found
