"""plait.lazy.array: lazy arrays in blocks of numpy arrays, with numpy's interface and dask.array's names.

Names are imported from their families on first use; numpy's universal functions are here by their names, too.
"""

from importlib import import_module
from typing import Any

from plait.lazy.array.collection import Array as Array
from plait.lazy.array.creation import asanyarray as asanyarray
from plait.lazy.array.creation import asarray as asarray
from plait.lazy.array.creation import from_array as from_array
from plait.lazy.array.functions import blockwise as blockwise
from plait.lazy.array.functions import map_blocks as map_blocks
from plait.lazy.array.ufuncs import FUNCTIONS as _UFUNCS

# Family -> its public names.
_FAMILIES = {
    "chunk_types": "register_chunk_type",
    "chunks": "PerformanceWarning normalize_chunks",
    "creation": "arange asanyarray asarray diag diagonal empty empty_like eye from_array from_delayed from_func"
    " fromfunction full full_like indices linspace meshgrid ones ones_like trace tri zeros zeros_like",
    "overlap": "map_overlap",
    "percentiles": "nanpercentile percentile",
    "products": "dot einsum matmul outer tensordot vdot",
    "formats": "from_npy_stack from_zarr to_hdf5 to_npy_stack to_zarr",
    "gufuncs": "apply_gufunc as_gufunc gufunc",
    "rearranging": "append array atleast_1d atleast_2d atleast_3d broadcast_arrays broadcast_to dstack expand_dims flip"
    " fliplr flipud hstack moveaxis pad ravel repeat reshape roll rollaxis rot90 squeeze swapaxes tile"
    " transpose vstack",
    "along": "apply_along_axis apply_over_axes coarsen delete diff ediff1d gradient insert ndim ravel_multi_index"
    " result_type shape tril tril_indices tril_indices_from triu triu_indices triu_indices_from unravel_index",
    "searching": "allclose argwhere around bincount choose compress count_nonzero digitize extract flatnonzero "
    "histogram"
    " histogram2d histogramdd isclose isin isnull nonzero notnull piecewise round searchsorted select take union1d "
    "unique"
    " where",
    "shuffling": "shuffle",
    "stacking": "block concatenate stack",
    "storing": "store",
    "statistics": "all any argmax argmin argtopk average corrcoef cov cumprod cumreduction cumsum max mean median min"
    " moment nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod nanquantile"
    " nanstd nansum nanvar prod ptp quantile reduction std sum topk var",
    "ufuncs": "angle clip fix frompyfunc i0 imag iscomplex isneginf isposinf isreal nan_to_num real sinc",
}
# numpy's dtypes and constants, as dask.array has them.
_CONSTANTS = {
    *("bool", "complex64", "complex128", "e", "euler_gamma", "float32", "float64", "inf", "int8", "int16", "int32"),
    *("int64", "nan", "newaxis", "pi", "uint8", "uint16", "uint32", "uint64"),
}
_MODULES = {"fft", "linalg", "ma", "overlap", "random"}  # families that users call by their module
_PLACES = {name: family for family, names in _FAMILIES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _UFUNCS:
        return _UFUNCS[name]
    if name in _MODULES:
        return import_module(f"plait.lazy.array.{name}")
    if name in _CONSTANTS:
        return getattr(import_module("numpy"), name)
    if name in ("compute", "optimize"):
        return getattr(import_module("plait.lazy"), name)
    if name not in _PLACES:
        raise AttributeError(f"module 'plait.lazy.array' has no attribute {name!r}")
    return getattr(import_module(f"plait.lazy.array.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES, *_UFUNCS, *_CONSTANTS, *_MODULES})
