"""Sizes of xarray's arrays, datasets and indexes. What is not in memory yet counts as the little that it is now."""

from __future__ import annotations

import sys
from typing import Any

import xarray as xr
from xarray.core.indexes import Indexes, PandasIndex
from xarray.core.utils import Frozen

from plait.lazy.sizes import sizeof

_NAMED = (xr.DataArray, xr.Variable, *([xr.NamedArray] if hasattr(xr, "NamedArray") else []))


@sizeof.register(_NAMED)
def _array(x: Any) -> int:
    variable = getattr(x, "variable", x)
    in_memory = getattr(variable, "_in_memory", True)  # else asking for the elements reads them
    return sys.getsizeof(x) + sizeof(variable.data if in_memory else variable._data)


@sizeof.register(xr.Dataset)
def _dataset(x: xr.Dataset) -> int:
    return sys.getsizeof(x) + sizeof(x.variables)


@sizeof.register(Frozen)
def _frozen(x: Any) -> int:
    return sys.getsizeof(x) + sizeof(dict(x))


@sizeof.register(Indexes)
def _indexes(x: Any) -> int:
    return sys.getsizeof(x) + sizeof(dict(x)) + sizeof(x.variables)


@sizeof.register(PandasIndex)
def _index(x: PandasIndex) -> int:
    return sys.getsizeof(x) + sizeof(x.index) + sizeof(x.dim) + sizeof(x.coord_dtype)
