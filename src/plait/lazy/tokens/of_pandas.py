"""pandas' frames, series, indexes, arrays and dtypes.

A frame is its columns, one by one: how pandas lays them out in blocks does not count. Arrow's arrays count without
their division into chunks.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.tokens import objects
from plait.lazy.tokens.normal import itself, normalize_token

normalize_token.register(pd.Timestamp, lambda value: ("Timestamp", repr(value)))
normalize_token.register((type(pd.NA), type(pd.NaT)), itself)


def _kind(value: Any) -> str:
    """The class by name: a fifth of the time of its token, and pandas' classes are all importable."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


@normalize_token.register(pd.DataFrame)
def _frame(value: pd.DataFrame) -> Any:
    columns = [value._get_column_array(place) for place in range(value.shape[1])]  # without a series around: a tenth
    return [_kind(value), columns, value.columns, value.index]


@normalize_token.register(pd.Series)
def _series(value: pd.Series) -> Any:
    return [_kind(value), value.name, value.dtype, value.array, value.index]


@normalize_token.register(pd.Index)
def _index(value: pd.Index) -> Any:
    return _kind(value), value.name, value.array


@normalize_token.register(pd.RangeIndex)
def _range_index(value: pd.RangeIndex) -> Any:
    return _kind(value), value.start, value.stop, value.step, value.dtype, value.name


@normalize_token.register(pd.MultiIndex)
def _multi_index(value: pd.MultiIndex) -> Any:
    return [_kind(value), list(value.names), list(value.levels), list(value.codes)]


@normalize_token.register(pd.api.extensions.ExtensionArray)
def _array(value: Any) -> Any:
    return _kind(value), value.dtype, value.to_numpy()


@normalize_token.register(pd.arrays.NumpyExtensionArray)
def _numpy_array(value: Any) -> Any:
    return "numpy", value.to_numpy()


@normalize_token.register(pd.arrays.SparseArray)
def _sparse(value: Any) -> Any:
    return _kind(value), value.dtype, len(value), value.sp_values, value.sp_index.indices


@normalize_token.register((pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray))
def _masked(value: Any) -> Any:
    missing = value.isna()
    return _kind(value), value.dtype, missing, value.to_numpy(value.dtype.numpy_dtype, na_value=0)


@normalize_token.register(pd.arrays.ArrowExtensionArray)
def _arrow(value: Any) -> Any:
    import pyarrow as pa

    joined = pa.chunked_array(value.__arrow_array__()).combine_chunks()
    return _kind(value), value.dtype, joined


@normalize_token.register(pd.Categorical)
def _categorical(value: pd.Categorical) -> Any:
    return [value.codes, value.dtype]


@normalize_token.register((pd.arrays.PeriodArray, pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray))
def _moments(value: Any) -> Any:
    return [value.asi8, value.dtype]


@normalize_token.register(pd.arrays.IntervalArray)
def _intervals(value: Any) -> Any:
    return [value.left, value.right, value.closed]


@normalize_token.register(pd.CategoricalDtype)
def _categorical_dtype(value: pd.CategoricalDtype) -> Any:
    return [value.categories, value.ordered]


@normalize_token.register(pd.api.extensions.ExtensionDtype)
def _dtype(value: Any) -> Any:
    return _kind(value), str(value.name)


@normalize_token.register(pd.offsets.BaseOffset)
def _offset(value: Any) -> Any:
    return objects.form(value)
