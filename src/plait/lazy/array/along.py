"""Functions along axes, and differences of neighbours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from plait.lazy.array.collection import Array
from plait.lazy.array.creation import arange, asanyarray, asarray, from_array
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.rearranging import array, broadcast_to
from plait.lazy.array.stacking import concatenate
from plait.lazy.expressions.collection import expressions_of


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, dtype: Any = None, shape: Any = None, **kwargs: Any
) -> Array:
    """As numpy's apply_along_axis(): the axis comes into one block. dtype, shape: of func1d's result, found by a call
    if not given.
    """
    found = asarray(arr)
    axis = range(found.ndim)[axis]
    if shape is None or dtype is None:
        sample = np.asarray(func1d(np.ones((1,), dtype=found.dtype), *args, **kwargs))
        shape = sample.shape if shape is None else shape
        dtype = sample.dtype if dtype is None else dtype
    whole = found.rechunk({axis: -1})
    chunks = (*whole.chunks[:axis], *[(length,) for length in shape], *whole.chunks[axis + 1 :])
    added = list(range(axis, axis + len(shape)))
    return whole.map_blocks(
        _along, func1d, axis, args, kwargs, dtype=dtype, chunks=chunks, drop_axis=axis, new_axis=added
    )


def _along(block: Any, func1d: Any, axis: int, args: Any, kwargs: Any) -> Any:
    return np.apply_along_axis(func1d, axis, block, *args, **kwargs)


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Array:
    """As numpy's apply_over_axes()."""
    found = asarray(a)
    for axis in np.atleast_1d(axes).tolist():
        result = func(found, axis)
        if result.ndim == found.ndim - 1:
            result = result[(*(slice(None),) * (axis % found.ndim), None)]
        if result.ndim != found.ndim:
            raise ValueError("func is not returning an array of the correct shape.")
        found = result
    return found


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    """As numpy's diff()."""
    found = asarray(a)
    if n == 0:
        return found
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    axis = range(found.ndim)[axis]
    ends: list[list[Any]] = []
    for each in (prepend, append):
        if each is None:
            ends.append([])
            continue
        end = asarray(each)
        shape = tuple([1 if i == axis else length for i, length in enumerate(found.shape)])
        ends.append([broadcast_to(end, shape) if end.ndim == 0 else end])
    found = concatenate([*ends[0], found, *ends[1]], axis=axis) if ends[0] or ends[1] else found
    before = (slice(None),) * axis
    for _ in range(n):
        later, earlier = found[(*before, slice(1, None))], found[(*before, slice(None, -1))]
        found = later != earlier if found.dtype == bool else later - earlier
    return found


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    """As numpy's ediff1d()."""
    flat = asarray(ary).ravel()
    parts = [flat[1:] - flat[:-1]]
    if to_begin is not None:
        parts.insert(0, asarray(to_begin).ravel())
    if to_end is not None:
        parts.append(asarray(to_end).ravel())
    return concatenate(parts) if len(parts) > 1 else parts[0]


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1, **kwargs: Any) -> Any:
    """As numpy's gradient()."""
    found = asarray(f)
    given = axis is not None
    axes = np.atleast_1d(range(found.ndim) if axis is None else axis).tolist()
    axes = [range(found.ndim)[each] for each in axes]
    if found.dtype.kind in "iub":
        found = found.astype(float)
    spacing = list(varargs) or [1]
    if len(spacing) == 1:
        spacing = spacing * len(axes)
    if len(spacing) != len(axes):
        raise TypeError("Spacing must either be a single scalar, or a scalar / 1d-array per axis")
    if issubclass(asarray(f).dtype.type, (np.bool_, np.integer)):
        found = found.astype(float)
    if any(min(found.chunks[each]) < edge_order + 1 for each in axes):
        raise ValueError(
            f"Chunk size must be larger than edge_order + 1. Minimum chunk for axis {axes} is "
            f"{[min(found.chunks[each]) for each in axes]}. Rechunk to proceed."
        )
    results = [_gradient(found, step, each, edge_order) for step, each in zip(spacing, axes, strict=True)]
    return results[0] if len(results) == 1 and (given or asarray(f).ndim == 1) else results


def _gradient(found: Any, step: Any, axis: int, order: int) -> Any:
    """Each block with a row of its neighbours; what is at their place is cut off again."""
    bounds = np.cumsum([0, *found.chunks[axis]]).tolist()
    before = (slice(None),) * axis
    parts = []
    for low, high in pairwise(bounds):
        first, last = max(low - 1, 0), min(high + 1, bounds[-1])
        part = found[(*before, slice(first, last))].rechunk({axis: -1})
        own = step if np.ndim(step) == 0 else np.asarray(step)[first:last]
        done = part.map_blocks(_of_block, own, axis, order, dtype=found.dtype)
        parts.append(done[(*before, slice(low - first, low - first + high - low))])
    return concatenate(parts, axis=axis) if len(parts) > 1 else parts[0]


def _of_block(block: Any, step: Any, axis: int, order: int) -> Any:
    return np.gradient(block, step, axis=axis, edge_order=order)


def coarsen(
    reduction: Callable[..., Any], x: Any, axes: dict[int, int], trim_excess: bool = False, **kwargs: Any
) -> Array:
    """Each group of so many neighbours along axes made one by a function with axis=.

    trim_excess: leave out the rest.
    """
    found = asarray(x)
    unknown = [axis for axis in axes if not -found.ndim <= axis < found.ndim]
    if unknown:
        raise ValueError(f"Axis {unknown} are not axes of an array of {found.ndim}")
    if not trim_excess and any(found.shape[axis] % size for axis, size in axes.items()):
        raise ValueError(f"Coarsening factors {axes} do not align with shape {found.shape}; pass trim_excess=True")
    for axis, size in axes.items():
        found = _on_multiples(found, axis % found.ndim, size)
    sizes = {axis % found.ndim: size for axis, size in axes.items()}
    chunks = tuple([tuple([one // sizes.get(i, 1) for one in each]) for i, each in enumerate(found.chunks)])
    sample = reduction(
        np.ones((1,) * (2 * found.ndim), dtype=found.dtype), axis=tuple(range(1, 2 * found.ndim, 2)), **kwargs
    )
    return found.map_blocks(_coarsened, reduction, sizes, kwargs, chunks=chunks, dtype=np.asarray(sample).dtype)


def aligned_coarsen_chunks(chunks: Any, multiple: int) -> tuple[int, ...]:
    """Block sizes near some that are multiples of a number, but for the last."""
    total = sum(chunks)
    whole = total // multiple * multiple
    bounds = sorted({min(-(-int(bound) // multiple) * multiple, whole) for bound in np.cumsum(chunks)} - {0})
    sizes = [high - low for low, high in pairwise([0, *bounds])]
    return (*sizes, *([total - whole] if total > whole else []))


def _on_multiples(found: Any, axis: int, size: int) -> Any:
    """Blocks whose sizes are multiples of a size; the rest of the axis is left out."""
    total = found.shape[axis] // size * size
    found = found[(*(slice(None),) * axis, slice(0, total))] if total != found.shape[axis] else found
    bounds = sorted({min(-(-int(bound) // size) * size, total) for bound in np.cumsum(found.chunks[axis])})
    return found.rechunk({axis: tuple([high - low for low, high in pairwise([0, *bounds])])})


def _coarsened(block: Any, reduction: Any, sizes: dict[int, int], kwargs: Any) -> Any:
    shape: list[int] = []
    for axis, length in enumerate(block.shape):
        size = sizes.get(axis, 1)
        shape += [length // size, size]
    return reduction(block.reshape(shape), axis=tuple(range(1, 2 * block.ndim, 2)), **kwargs)


def insert(arr: Any, obj: Any, values: Any, axis: int) -> Array:
    """As numpy's insert() along an axis."""
    found = asarray(arr)
    if axis is None:
        raise NotImplementedError("da.insert requires axis to be given")
    axis = range(found.ndim)[axis]
    places = np.arange(found.shape[axis])[obj] if isinstance(obj, slice) else np.atleast_1d(np.asarray(obj))
    places = np.where(places < 0, places + found.shape[axis], places)
    if (np.diff(places) < 0).any():
        raise NotImplementedError("da.insert only implemented for monotonic ``obj`` argument")
    bounds = [0, *places.tolist(), found.shape[axis]]
    before = (slice(None),) * axis
    pieces = [found[(*before, slice(low, high))] for low, high in pairwise(bounds)]
    if np.ndim(values) == 0:
        shape = tuple([len(places) if i == axis else length for i, length in enumerate(found.shape)])
        rows = broadcast_to(array(values).astype(found.dtype), shape)
    else:
        shape = tuple([len(places) if i == axis else length for i, length in enumerate(found.shape)])
        rows = broadcast_to(asarray(values), shape).astype(found.dtype)
    parts = [pieces[0]]
    for i, piece in enumerate(pieces[1:]):
        parts += [rows[(*before, slice(i, i + 1))], piece]
    return concatenate(parts, axis=axis)


def delete(arr: Any, obj: Any, axis: int) -> Array:
    """As numpy's delete() along an axis."""
    found = asarray(arr)
    if axis is None:
        raise NotImplementedError("da.delete requires axis to be given")
    axis = range(found.ndim)[axis]
    return found[(*(slice(None),) * axis, np.delete(np.arange(found.shape[axis]), obj))]


def ravel_multi_index(multi_index: Any, dims: Any, mode: str = "raise", order: str = "C") -> Array:
    """As numpy's ravel_multi_index()."""
    rows = (
        [multi_index[i] for i in range(len(multi_index))]
        if isinstance(multi_index, Array)
        else [asarray(each) for each in multi_index]
    )
    return Array.of(
        elementwise(_ravelled, *[expressions_of(each) for each in rows], dims=tuple(dims), mode=mode, order=order)
    )


def _ravelled(*index: Any, dims: Any, mode: Any, order: str) -> Any:
    return np.ravel_multi_index(index, dims, mode=mode, order=order)


def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Array, ...]:
    """As numpy's unravel_index()."""
    found = asarray(indices)
    return tuple(
        [
            Array.of(elementwise(_unravelled, found.expr, shape=shape, order=order, axis=axis))
            for axis in range(len(shape))
        ]
    )


def _unravelled(index: Any, shape: Any, order: str, axis: int) -> Any:
    return np.unravel_index(index, shape, order=order)[axis]


def tril(m: Any, k: int = 0) -> Array:
    """As numpy's tril()."""
    return _triangle(m, k, lower=True)


def triu(m: Any, k: int = 0) -> Array:
    """As numpy's triu()."""
    return _triangle(m, k - 1, lower=False)


def _triangle(m: Any, k: int, lower: bool) -> Array:
    found = asarray(m)
    rows = arange(found.shape[-2], chunks=(found.chunks[-2],))[:, None]
    columns = arange(found.shape[-1], chunks=(found.chunks[-1],))[None, :]
    keep = (columns - rows <= k) if lower else (columns - rows > k)
    return Array.of(elementwise(_kept, found.expr, keep.expr))


def _kept(block: Any, keep: Any) -> Any:
    return np.where(keep, block, np.zeros((), dtype=block.dtype))


def tril_indices(n: int, k: int = 0, m: Any = None, chunks: Any = "auto") -> tuple[Array, ...]:
    """As numpy's tril_indices()."""
    return tuple([from_array(each, chunks=chunks) for each in np.tril_indices(n, k, m)])


def triu_indices(n: int, k: int = 0, m: Any = None, chunks: Any = "auto") -> tuple[Array, ...]:
    """As numpy's triu_indices()."""
    return tuple([from_array(each, chunks=chunks) for each in np.triu_indices(n, k, m)])


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Array, ...]:
    """As numpy's tril_indices_from()."""
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return tril_indices(arr.shape[-2], k=k, m=arr.shape[-1])


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Array, ...]:
    """As numpy's triu_indices_from()."""
    if arr.ndim != 2:
        raise ValueError("input array must be 2-d")
    return triu_indices(arr.shape[-2], k=k, m=arr.shape[-1])


def shape(a: Any) -> Any:
    """As numpy's shape()."""
    return asanyarray(a).shape


def ndim(a: Any) -> int:
    """As numpy's ndim()."""
    return asanyarray(a).ndim


def result_type(*arrays: Any) -> Any:
    """As numpy's result_type(), of lazy arrays, too."""
    return np.result_type(*[each.dtype if isinstance(each, Array) else each for each in arrays])
