"""Metas: empty arrays that say type and dtype, and how a function's meta follows from those of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


def empty_like(array: Any, ndim: int | None = None, dtype: Any = None) -> Any:
    """An empty array of the type of another, which may be an array of any library, or a scalar, or a dtype's owner.

    ndim: how many axes; that of the array where it is not given.
    """
    wanted = array.ndim if ndim is None and hasattr(array, "ndim") else (ndim or 0)
    if type(array) is np.ndarray or not hasattr(array, "shape") or not hasattr(array, "__array_function__"):
        return np.empty((0,) * wanted, dtype=dtype or getattr(array, "dtype", None))
    meta = array
    if any(meta.shape) or meta.ndim == 0:
        meta = meta[tuple(slice(0, 0) for _ in range(meta.ndim))] if meta.ndim else meta
    if meta.ndim != wanted:
        meta = meta.sum() if wanted == 0 and meta.ndim else np.reshape(meta, (0,) * wanted) if wanted else meta
    if dtype is not None and meta.dtype != dtype:
        meta = meta.astype(dtype)
    return meta


def meta_of(
    function: Callable[..., Any],
    arguments: Sequence[tuple[Any, Any]],
    keywords: Mapping[str, Any],
    ndim: int,
    dtype: Any = None,
) -> Any:
    """The meta of a function's result, found by calling it on metas; None where it cannot be called on these.

    arguments: (value, pattern) as of Blockwise. dtype: known already.
    """
    values = [value if pattern is None else getattr(value, "meta", value) for value, pattern in arguments]
    try:
        with np.errstate(all="ignore"):
            found = function(*values, **keywords)
    except Exception:
        return None if dtype is None else np.empty((0,) * ndim, dtype=dtype)
    return empty_like(found, ndim, dtype)
