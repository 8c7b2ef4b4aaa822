"""plait.lazy.array: lazy arrays in blocks of numpy arrays, with numpy's interface and dask.array's names."""

from typing import Any

from plait.lazy.array import ufuncs as ufuncs
from plait.lazy.array.array import Array as Array
from plait.lazy.array.chunks import normalize_chunks as normalize_chunks
from plait.lazy.array.creation import arange as arange
from plait.lazy.array.creation import asanyarray as asanyarray
from plait.lazy.array.creation import asarray as asarray
from plait.lazy.array.creation import diag as diag
from plait.lazy.array.creation import diagonal as diagonal
from plait.lazy.array.creation import empty as empty
from plait.lazy.array.creation import empty_like as empty_like
from plait.lazy.array.creation import eye as eye
from plait.lazy.array.creation import from_array as from_array
from plait.lazy.array.creation import from_delayed as from_delayed
from plait.lazy.array.creation import fromfunction as fromfunction
from plait.lazy.array.creation import full as full
from plait.lazy.array.creation import full_like as full_like
from plait.lazy.array.creation import indices as indices
from plait.lazy.array.creation import linspace as linspace
from plait.lazy.array.creation import meshgrid as meshgrid
from plait.lazy.array.creation import ones as ones
from plait.lazy.array.creation import ones_like as ones_like
from plait.lazy.array.creation import tri as tri
from plait.lazy.array.creation import zeros as zeros
from plait.lazy.array.creation import zeros_like as zeros_like
from plait.lazy.array.stacking import block as block
from plait.lazy.array.stacking import concatenate as concatenate
from plait.lazy.array.stacking import stack as stack
from plait.lazy.array.ufuncs import FUNCTIONS as _UFUNCS
from plait.lazy.array.ufuncs import frompyfunc as frompyfunc


def __getattr__(name: str) -> Any:
    if name in _UFUNCS:
        return _UFUNCS[name]
    raise AttributeError(f"module 'plait.lazy.array' has no attribute {name!r}")
