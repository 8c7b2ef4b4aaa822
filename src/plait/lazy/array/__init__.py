"""plait.lazy.array: lazy arrays in blocks of numpy arrays, with numpy's interface and dask.array's names."""

from plait.lazy.array.array import Array as Array
from plait.lazy.array.creation import from_array as from_array

__all__ = ["Array", "from_array"]
