"""Choosing and finding elements: where, nonzero, unique, isin, histogram and their like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from plait.lazy.array.collection import Array
from plait.lazy.array.creation import arange, asanyarray, asarray, from_delayed, zeros
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.rearranging import broadcast_to
from plait.lazy.array.stacking import concatenate, stack
from plait.lazy.decorator import delayed
from plait.lazy.expressions.collection import expressions_of


def _elements(function: Any, *args: Any, **keywords: Any) -> Array:
    return Array.of(elementwise(function, *[expressions_of(each) for each in args], **keywords))


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """As numpy's where()."""
    if (x is None) != (y is None):
        raise ValueError("either both or neither of x and y should be given")
    if x is None:
        return nonzero(condition)
    if np.isscalar(condition):
        shape = np.broadcast_shapes(*[getattr(each, "shape", ()) for each in (x, y)])
        dtype = np.result_type(x if np.isscalar(x) else x.dtype, y if np.isscalar(y) else y.dtype)
        chosen = asanyarray(x if condition else y)
        return broadcast_to(chosen, shape).astype(dtype)
    return _elements(np.where, condition, x, y)


def isclose(arr1: Any, arr2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """As numpy's isclose()."""
    return _elements(np.isclose, arr1, arr2, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(arr1: Any, arr2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """As numpy's allclose()."""
    return isclose(arr1, arr2, rtol, atol, equal_nan).all()


def around(x: Any, decimals: int = 0) -> Array:
    """As numpy's around()."""
    return _elements(np.around, asanyarray(x), decimals=decimals)


round = around


def _isnull(values: Any) -> Any:
    kind = values.dtype.kind
    if kind in "fc":
        return np.isnan(values)
    if kind in "mM":
        return np.isnat(values)
    if kind in "biu":
        return np.zeros(values.shape, dtype=bool)
    return np.array([_is_missing(each) for each in values.ravel()], dtype=bool).reshape(values.shape)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and math.isnan(value))


def isnull(values: Any) -> Array:
    """Whether each element is missing: NaN, NaT or None."""
    return _elements(_isnull, asanyarray(values))


def notnull(values: Any) -> Array:
    """Whether each element is not missing."""
    return ~isnull(values)


def count_nonzero(a: Any, axis: Any = None) -> Any:
    """As numpy's count_nonzero()."""
    return isnonzero(asarray(a)).astype(np.intp).sum(axis=axis)


def isnonzero(a: Any) -> Array:
    """Whether each element is not zero; of texts, not empty."""
    return _elements(_nonzero, a)


def _nonzero(values: Any) -> Any:
    return values.astype(bool) if values.dtype.kind not in "US" else np.char.str_len(values) > 0


def argwhere(a: Any) -> Array:
    """As numpy's argwhere(): of unknown length."""
    array = asarray(a)
    found = isnonzero(array).ravel()
    if array.ndim == 0:
        return zeros((1, 0), dtype=np.intp)
    places = [_grid(array, axis).ravel()[found] for axis in range(array.ndim)]
    return stack(places, axis=1, allow_unknown_chunksizes=True)


def _grid(array: Any, axis: int) -> Any:
    """The place along an axis, of each element."""
    along = arange(array.shape[axis], chunks=(array.chunks[axis],))
    shape = tuple([slice(None) if i == axis else None for i in range(array.ndim)])
    return along[shape] + zeros(array.shape, dtype=np.intp, chunks=array.chunks)


def nonzero(a: Any) -> tuple[Array, ...]:
    """As numpy's nonzero(): of unknown length."""
    array = asarray(a)
    found = isnonzero(array).ravel()
    return tuple([_grid(array, axis).ravel()[found] for axis in range(array.ndim)])


def flatnonzero(a: Any) -> Array:
    """As numpy's flatnonzero()."""
    return nonzero(asarray(a).ravel())[0]


def compress(condition: Any, a: Any, axis: Any = None) -> Array:
    """As numpy's compress()."""
    array = asarray(a)
    if axis is None:
        array, axis = array.ravel(), 0
    chosen = asarray(condition).astype(bool)
    if chosen.ndim != 1:
        raise ValueError("Condition must be one dimensional")
    before = (slice(None),) * (axis % array.ndim)
    if isinstance(condition, Array):
        return array[(*before, slice(0, chosen.shape[0]))][(*before, chosen)]
    return array[(*before, np.nonzero(np.asarray(condition))[0])]


def extract(condition: Any, arr: Any) -> Array:
    """As numpy's extract()."""
    return compress(asarray(condition).ravel().astype(bool), asarray(arr).ravel())


def take(a: Any, indices: Any, axis: int = 0) -> Array:
    """As numpy's take() along an axis."""
    array = asarray(a)
    return array[(*(slice(None),) * (axis % array.ndim), indices)]


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Array:
    """As numpy's select()."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not condlist:
        raise ValueError("select with an empty condition list is not possible")
    choices = [asarray(each) for each in choicelist]
    conditions = [asarray(each) for each in condlist]
    if any(each.dtype.kind != "b" for each in conditions):
        raise TypeError("condlist must be arrays of booleans")
    dtype = np.result_type(default, *[each.dtype for each in choices])
    return _elements(_selected, *conditions, *choices, count=len(conditions), default=default, kind=dtype)


def _selected(*blocks: Any, count: int, default: Any, kind: Any) -> Any:
    return np.select(list(blocks[:count]), list(blocks[count:]), default).astype(kind)


def choose(a: Any, choices: Any) -> Array:
    """As numpy's choose()."""
    return _elements(_chosen, asarray(a), *[asarray(each) for each in choices])


def _chosen(index: Any, *choices: Any) -> Any:
    return np.choose(index, choices)


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Array:
    """As numpy's piecewise()."""
    array = asarray(x)
    conditions = [asarray(each) for each in condlist] if isinstance(condlist, (list, tuple)) else [asarray(condlist)]
    return _elements(_piecewise, array, *conditions, functions=list(funclist), rest=args, options=kw)


def _piecewise(x: Any, *conditions: Any, functions: Any, rest: Any, options: Any) -> Any:
    return np.piecewise(x, list(conditions), functions, *rest, **options)


def digitize(a: Any, bins: Any, right: bool = False) -> Array:
    """As numpy's digitize()."""
    return asarray(a).map_blocks(
        np.digitize, np.asarray(bins), right=right, dtype=np.digitize(np.zeros(1), [0.0]).dtype
    )


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Array:
    """As numpy's searchsorted(). Raises NotImplementedError for a sorter."""
    if sorter is not None:
        raise NotImplementedError("da.searchsorted with a sorter argument is not supported")
    array, values = asarray(a), asarray(v)
    if array.shape[0] == 0:
        return zeros(values.shape, dtype=np.intp, chunks=values.chunks)
    wide = array[(slice(None), *[None] * values.ndim)]
    counts = _elements(np.less if side == "left" else np.less_equal, wide, values[None])
    return counts.sum(axis=0).astype(np.intp)


def isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False) -> Array:
    """As numpy's isin(). Each block is compared with each block of the tests."""
    values, tests = asarray(element), asarray(test_elements).ravel()
    found: Any = None
    for i in range(tests.numblocks[0]):
        part = tests.blocks[i]
        one = _elements(_isin, values, part.to_delayed().item(), result_dtype=bool)
        found = one if found is None else found | one
    return ~found if invert else found


def _isin(values: Any, tests: Any) -> Any:
    return np.isin(values, tests)


def unique(ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """As numpy's unique(): of unknown length."""
    flat = asarray(ar).ravel()
    whole = delayed_whole(flat)
    several = return_index or return_inverse or return_counts
    options = {"return_index": return_index, "return_inverse": return_inverse, "return_counts": return_counts}
    if not several:
        parts = [delayed(np.unique, pure=True)(each) for each in flat.to_delayed().ravel()]
        return _of_unknown(delayed(_united, pure=True)(parts), flat.dtype)
    found = delayed(np.unique, pure=True, nout=1 + sum(options.values()))(whole, **options)
    kinds = [flat.dtype, *[np.dtype(np.intp)] * sum(options.values())]
    return tuple([_of_unknown(each, kind) for each, kind in zip(found, kinds, strict=True)])


def _united(parts: list[Any]) -> Any:
    return np.unique(np.concatenate(parts))


def _of_unknown(value: Any, dtype: Any) -> Array:
    return from_delayed(value, (np.nan,), dtype=dtype)


def delayed_whole(flat: Any) -> Any:
    """A lazy value of all elements of an array of one axis."""
    return delayed(_joined, pure=True)(list(flat.to_delayed().ravel()))


def _joined(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def union1d(ar1: Any, ar2: Any) -> Array:
    """As numpy's union1d()."""
    return unique(concatenate((asarray(ar1).ravel(), asarray(ar2).ravel())))


def bincount(x: Any, weights: Any = None, minlength: int = 0, split_every: Any = None) -> Array:
    """As numpy's bincount(): of unknown length, unless minlength says one."""
    array = asarray(x)
    if array.ndim != 1:
        raise ValueError("Input array must be one dimensional. Try using x.ravel()")
    if weights is not None and (weights.chunks != array.chunks):
        raise ValueError("Chunks of input array x and weights must match.")
    dtype = np.bincount([1], weights=None if weights is None else np.ones(1)).dtype
    parts = list(array.to_delayed().ravel())
    others = [None] * len(parts) if weights is None else list(weights.to_delayed().ravel())
    counts = [delayed(_counted, pure=True)(part, other, minlength) for part, other in zip(parts, others, strict=True)]
    return from_delayed(delayed(_added, pure=True)(counts, minlength), (np.nan,), dtype=dtype)


def _counted(x: Any, weights: Any, minlength: int) -> Any:
    return np.bincount(x, weights=weights, minlength=minlength)


def _added(counts: list[Any], minlength: int) -> Any:
    length = max([len(each) for each in counts])
    return sum([np.pad(each, (0, length - len(each))) for each in counts])


# Histograms ---------------------------------------------------------------------------------------------------


def histogram(
    a: Any, bins: Any = None, range: Any = None, normed: bool = False, weights: Any = None, density: bool = False
) -> Any:
    """As numpy's histogram(); bins: edges, or a number with range=."""
    array = asarray(a)
    if normed:
        raise ValueError("The normed= keyword argument has been deprecated. Please use density instead.")
    if bins is None or (np.ndim(bins) == 0 and not hasattr(bins, "__dask_graph__") and range is None):
        raise ValueError(
            "da.histogram requires either specifying bins as an iterable (i.e., the edges), or specifying bins as a "
            "number and range"
        )
    if weights is not None and weights.chunks != array.chunks:
        raise ValueError("Input array and weights must have the same chunked structure")
    if range is not None and not hasattr(range, "__dask_graph__"):
        if np.ndim(range) == 0 or len(range) != 2:
            raise ValueError(f"range must be a sequence or array of length 2, but got {range}")
        if any(np.ndim(each) for each in range):
            raise ValueError(f"range must be a 1-dimensional array of two items, but got {range}")
    lazily = _is_lazy(bins) or _is_lazy(range) or (isinstance(range, (list, tuple)) and any(map(_is_lazy, range)))
    if lazily:
        return _histogram_of_lazy(array, bins, range, weights, density)
    if np.ndim(bins) > 1:
        raise ValueError("bins must be a scalar or a 1-dimensional array")
    edges = np.histogram_bin_edges(np.array([]), bins=bins, range=None if np.ndim(bins) else range)
    return _histogram(array, edges, weights, density), edges


def _is_lazy(value: Any) -> bool:
    return hasattr(value, "__dask_graph__")


def _histogram(array: Any, edges: Any, weights: Any, density: bool) -> Any:
    blocks = list(array.to_delayed().ravel())
    others = [None] * len(blocks) if weights is None else list(weights.to_delayed().ravel())
    parts = [delayed(_binned, pure=True)(block, edges, other) for block, other in zip(blocks, others, strict=True)]
    dtype = np.dtype(np.intp) if weights is None else weights.dtype
    counts = from_delayed(delayed(_summed, pure=True)(parts), (len(edges) - 1,), dtype=dtype)
    if density:
        widths = asarray(np.diff(edges).astype(float))
        return counts / widths / counts.sum()
    return counts


def _binned(block: Any, edges: Any, weights: Any) -> Any:
    return np.histogram(block, edges, weights=weights)[0]


def _summed(parts: list[Any]) -> Any:
    return sum(parts)


def _histogram_of_lazy(array: Any, bins: Any, range: Any, weights: Any, density: bool) -> Any:
    count = None
    if hasattr(bins, "shape") and np.ndim(bins) == 1 and not math.isnan(bins.shape[0]):
        count = bins.shape[0] - 1
    elif not _is_lazy(bins):
        count = bins if np.ndim(bins) == 0 else len(bins) - 1
    if getattr(bins, "ndim", 0) > 1:
        raise ValueError("bins must be a scalar or a 1-dimensional array")
    if count is None:
        raise ValueError("The number of bins is lazy; pass lazy edges of a known length, or a number")
    edges = delayed(_edges, pure=True)(bins, range)
    blocks = list(array.to_delayed().ravel())
    others = [None] * len(blocks) if weights is None else list(weights.to_delayed().ravel())
    parts = [delayed(_binned, pure=True)(block, edges, other) for block, other in zip(blocks, others, strict=True)]
    dtype = np.dtype(np.intp) if weights is None else weights.dtype
    counts = from_delayed(delayed(_summed, pure=True)(parts), (count,), dtype=dtype)
    limits = (
        from_delayed(edges, (count + 1,), dtype=float)
        if not (hasattr(bins, "dtype") and np.ndim(bins))
        else asarray(bins)
    )
    if density:
        return counts / (limits[1:] - limits[:-1]) / counts.sum(), limits
    return counts, limits


def _edges(bins: Any, range: Any) -> Any:
    return (
        np.asarray(bins) if np.ndim(bins) else np.histogram_bin_edges(np.array([]), bins=int(bins), range=tuple(range))
    )


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, normed: Any = None, weights: Any = None, density: Any = None
) -> Any:
    """As numpy's histogram2d()."""
    counts, edges = histogramdd((x, y), bins=bins, range=range, normed=normed, weights=weights, density=density)
    return counts, edges[0], edges[1]


def histogramdd(
    sample: Any, bins: Any, range: Any = None, normed: Any = None, weights: Any = None, density: Any = None
) -> Any:
    """As numpy's histogramdd(), of an array of rows, or arrays of coordinates."""
    if normed is not None:
        density = normed
    if isinstance(sample, Array):
        if sample.numblocks[1] > 1:
            raise ValueError("Input array can only be chunked along the 0th axis")
        rows, count = [[each] for each in sample.to_delayed()[:, 0]], sample.shape[1]
        sizes = sample.chunks[0]
    else:
        arrays = [asarray(each) for each in sample]
        if len({each.chunks for each in arrays}) > 1:
            raise ValueError("All coordinate arrays must be chunked identically.")
        rows, count = [list(each) for each in zip(*[each.to_delayed() for each in arrays], strict=True)], len(arrays)
        sizes = arrays[0].chunks[0]
    if weights is not None and weights.chunks[0] != sizes:
        raise ValueError("Input arrays and weights must have the same shape and chunk structure.")
    edges = _all_edges(bins, range, count)
    others = [None] * len(rows) if weights is None else list(weights.to_delayed())
    parts = [delayed(_binned_rows, pure=True)(row, edges, other) for row, other in zip(rows, others, strict=True)]
    dtype = float if weights is None or weights.dtype.kind == "f" else weights.dtype
    counts = from_delayed(delayed(_summed, pure=True)(parts), tuple([len(each) - 1 for each in edges]), dtype=dtype)
    if density:
        for axis, each in enumerate(edges):
            shape = [-1 if i == axis else 1 for i in np.arange(count)]
            counts = counts / np.diff(each).reshape(shape)
        counts = counts / from_delayed(delayed(_summed, pure=True)(parts), counts.shape, dtype=dtype).sum()
    return counts, [asarray(each) for each in edges]


def _all_edges(bins: Any, range: Any, count: int) -> list[Any]:
    each = [bins] * count if isinstance(bins, Integral) else list(bins)
    if len(each) != count:
        raise ValueError("The dimension of bins must be equal to the dimension of the sample.")
    if all(np.ndim(one) == 0 for one in each):
        if range is None:
            raise ValueError("range argument required for uniform binning")
        if len(range) != count:
            raise ValueError("range argument must be defined for each dimension")
        return [np.linspace(low, high, one + 1) for one, (low, high) in zip(each, range, strict=True)]
    return [np.asarray(one) for one in each]


def _binned_rows(row: list[Any], edges: Any, weights: Any) -> Any:
    sample = row[0] if len(row) == 1 and row[0].ndim == 2 else np.stack(row, axis=-1)
    return np.histogramdd(sample, edges, weights=weights)[0]
