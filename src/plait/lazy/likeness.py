"""What an object looks like: an array, a frame, a series, an index; of whichever library."""

from __future__ import annotations

from typing import Any

from plait.lazy.functions import typename
from plait.lazy.protocol import is_dask_collection


def is_arraylike(x: Any) -> bool:
    """Whether an object is an array (not only a thing that one can be made of): numpy's, sparse, on a GPU, lazy."""
    shape = getattr(x, "shape", None)
    if not isinstance(shape, tuple) or not hasattr(x, "dtype") or any(map(is_dask_collection, shape)):
        return False
    # sparse matrices of scipy speak neither protocol, and are computed with all the same
    return any(hasattr(x, name) for name in ("__array_function__", "__array_ufunc__")) or "scipy.sparse" in typename(x)


def _has(x: Any, names: str) -> bool:
    return all(hasattr(x, name) for name in names.split())


def is_dataframe_like(df: Any) -> bool:
    """Whether an object is a dataframe, pandas' or another library's."""
    kind = type(df)
    return _has(kind, "groupby head merge mean") and _has(df, "dtypes columns") and not _named(kind)


def _named(kind: type) -> bool:
    return hasattr(kind, "name") or hasattr(kind, "dtype")


def is_series_like(s: Any) -> bool:
    """Whether an object is a series, pandas' or another library's."""
    kind = type(s)
    return _has(kind, "groupby head mean") and _has(s, "dtype name") and "index" not in kind.__name__.lower()


def is_index_like(s: Any) -> bool:
    """Whether an object is an index, pandas' or another library's."""
    return _has(s, "name dtype") and "index" in type(s).__name__.lower()


def is_cupy_type(x: Any) -> bool:
    """Whether an object is of cupy."""
    return typename(x, short=True).startswith("cupy")


def is_integer(i: Any) -> bool:
    """Whether an object is a whole number: 6, 42.0."""
    from numbers import Integral

    return isinstance(i, Integral) or (isinstance(i, float) and i.is_integer())


def is_empty(obj: Any) -> bool:
    """Whether a container or array holds nothing: by its length, else its count of non-zeros, else its shape.

    False for what has none of these, or none that can be used.
    """
    for size in (len, lambda x: x.nnz):
        try:
            return bool(size(obj) == 0)
        except Exception:  # whatever a class's own length raises
            continue
    try:
        return 0 in obj.shape
    except Exception:
        return False
