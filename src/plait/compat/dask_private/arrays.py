"""Names of dask.array's inside that programs import."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from plait.lazy.array.applying import joined
from plait.lazy.array.chunks import PerformanceWarning as PerformanceWarning
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.containers import ensure_dict
from plait.lazy.graphs.culling import cull
from plait.lazy.protocol import flatten


def array_expr_enabled() -> bool:
    """Whether dask's second, experimental implementation of arrays is in use: there is none here."""
    return False


def blockdims_from_blockshape(shape: Sequence[int], chunks: Any) -> Any:
    """Block sizes, of a shape and the size of a block."""
    if chunks is None:
        raise TypeError("Must supply chunks= keyword argument")
    if shape is None:
        raise TypeError("Must supply shape= keyword argument")
    if any(map(math.isnan, (*shape, *chunks))):
        raise ValueError(f"Array chunk sizes are unknown. shape: {shape}, chunks: {chunks}")
    if not all(isinstance(each, (int, np.integer)) for each in (*chunks, *shape)):
        raise ValueError(f"chunks and shape must be integers: {chunks}, {shape}")
    return normalize_chunks(tuple(chunks), tuple(shape))


def broadcast_chunks(*chunkss: Any) -> Any:
    """The chunks of what some chunks are broadcast to. Raises ValueError where they do not fit."""
    if not chunkss:
        return ()
    ndim = max(map(len, chunkss))
    wide = [((1,),) * (ndim - len(each)) + tuple(each) for each in chunkss]
    found = []
    for along in zip(*wide, strict=True):
        kinds = {each for each in along if each != (1,)}
        if len(kinds) > 1:
            raise ValueError(f"cannot broadcast chunks {chunkss}: {sorted(map(str, kinds))}")
        found.append(kinds.pop() if kinds else (1,))
    return tuple(found)


def common_blockdim(blockdims: Any) -> Any:
    """The block sizes along an axis that several have in common, cut at the bounds of all."""
    from plait.lazy.array.aligning import common

    kinds = {tuple(each): None for each in blockdims if tuple(each) != (1,)}
    return common("axis", kinds) if kinds else next(iter(blockdims), ())


def concatenate3(arrays: Any) -> Any:
    """Nested lists of blocks as one array."""
    if not isinstance(arrays, list):
        return arrays
    inner: Any = arrays
    depth = 0
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    return joined(arrays, tuple(range(depth)))


def concatenate_axes(arrays: Any, axes: Sequence[int]) -> Any:
    """Nested lists of blocks as one array, each level along an axis."""
    return joined(arrays, tuple(axes))


def dotmany(
    left: Sequence[Any], right: Sequence[Any], leftfunc: Any = None, rightfunc: Any = None, **options: Any
) -> Any:
    """The sum of products of blocks."""
    ones = map(leftfunc, left) if leftfunc else left
    others = map(rightfunc, right) if rightfunc else right
    return sum(np.dot(a, b, **options) for a, b in zip(ones, others, strict=True))


def getter(a: Any, b: Any, asarray: bool = True, lock: Any = None) -> Any:
    """a[b], under a lock, as a numpy array."""
    if lock:
        with lock:
            return np.asarray(a[b]) if asarray else a[b]
    return np.asarray(a[b]) if asarray else a[b]


def graph_from_arraylike(*args: Any, **options: Any) -> Any:
    """The tasks that read blocks of an array: private to dask."""
    raise NotImplementedError(
        "dask's private graph_from_arraylike() has no counterpart in plait; use from_array().dask"
    )


def load_store_chunk(
    x: Any, out: Any, index: Any, region: Any, lock: Any, return_stored: bool, load_stored: bool
) -> Any:
    """Put a block into an array, and give what is asked for."""
    where = index if region is None else region[index]
    if x is not None and np.size(x):
        with lock or _no_lock():
            out[where] = x
    if return_stored and load_stored:
        return out[where]
    return out if return_stored else None


class _no_lock:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *args: object) -> None:
        return None


def optimize(dsk: Mapping[Any, Any], keys: Any, **options: Any) -> Any:
    """What some keys need of a graph."""
    return cull(ensure_dict(dsk), list(flatten(keys)))[0]


def coarsen(
    reduction: Callable[..., Any], x: Any, axes: Mapping[int, int], trim_excess: bool = False, **options: Any
) -> Any:
    """Groups of neighbours of a numpy array made one."""
    sizes = {axis: axes.get(axis, 1) for axis in range(x.ndim)}
    if trim_excess:
        x = x[tuple([slice(0, x.shape[axis] // size * size) for axis, size in sizes.items()])]
    shape = [part for axis, size in sizes.items() for part in (x.shape[axis] // size, size)]
    return reduction(x.reshape(shape), axis=tuple(range(1, 2 * x.ndim, 2)), **options)


def getitem(obj: Any, index: Any) -> Any:
    """obj[index]."""
    return obj[index]


def keepdims_wrapper(a_callable: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction that takes keepdims=."""

    def wrapped(x: Any, axis: Any = None, keepdims: bool = False, *args: Any, **options: Any) -> Any:
        found = a_callable(x, *args, axis=axis, **options)
        if not keepdims:
            return found
        axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
        for each in sorted([one % x.ndim for one in axes]):
            found = np.expand_dims(found, each)
        return found

    return wrapped


def numel(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = "f8", **_: Any) -> Any:
    """How many elements there are along axes, in the reduced shape."""
    return np.sum(np.ones(np.shape(x), dtype=dtype), axis=axis, keepdims=keepdims, dtype=dtype)


def nannumel(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = "f8", **_: Any) -> Any:
    """How many elements there are that are not NaN."""
    return np.sum(~np.isnan(x), axis=axis, keepdims=keepdims, dtype=dtype)


_not_implemented_message = "Dask's reshape only supports a merge or a split of axes"


def reshape_rechunk(*args: Any, **options: Any) -> Any:
    """How dask prepares a reshape: private to it."""
    raise NotImplementedError("dask's private reshape_rechunk() has no counterpart in plait")


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape of what some shapes are broadcast to."""
    return tuple(np.broadcast_shapes(*map(tuple, shapes)))
