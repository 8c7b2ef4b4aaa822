"""plait.lazy.array: lazy arrays in blocks of numpy arrays, with numpy's interface and dask.array's names."""

from typing import Any

from plait.lazy.array import ufuncs as ufuncs
from plait.lazy.array.array import Array as Array
from plait.lazy.array.chunks import normalize_chunks as normalize_chunks
from plait.lazy.array.creation import from_array as from_array
from plait.lazy.array.ufuncs import FUNCTIONS as _UFUNCS
from plait.lazy.array.ufuncs import frompyfunc as frompyfunc

__all__ = ["Array", "from_array", "frompyfunc", "normalize_chunks"]


def __getattr__(name: str) -> Any:
    if name in _UFUNCS:
        return _UFUNCS[name]
    raise AttributeError(f"module 'plait.lazy.array' has no attribute {name!r}")
