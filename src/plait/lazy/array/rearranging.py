"""The same elements in other places or shapes, and repeated: roll, flip, stack, tile, pad and their like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Number
from typing import Any

import numpy as np

from plait.lazy.array.aligning import aligned
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import asanyarray, asarray, empty, full, zeros
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.expression import labels_of
from plait.lazy.array.stacking import concatenate


def array(x: Any, dtype: Any = None, ndmin: Any = None, *, like: Any = None) -> Array:
    """A lazy array of anything, with at least ndmin axes."""
    found = asarray(x, like=like)
    while ndmin is not None and found.ndim < ndmin:
        found = found[None]
    return found if dtype is None or found.dtype == np.dtype(dtype) else found.astype(dtype)


def transpose(a: Any, axes: Any = None) -> Array:
    """As numpy's transpose()."""
    return asanyarray(a).transpose(axes) if axes is not None else asanyarray(a).transpose()


def ravel(array_like: Any) -> Array:
    """As numpy's ravel()."""
    return asanyarray(array_like).reshape((-1,))


def reshape(x: Any, shape: Any, merge_chunks: bool = True, limit: Any = None) -> Array:
    """As numpy's reshape(). merge_chunks: blocks along axes that become one may be joined."""
    return asanyarray(x).reshape(shape if not isinstance(shape, Integral) else (shape,), merge_chunks=merge_chunks)


def squeeze(a: Any, axis: Any = None) -> Array:
    """As numpy's squeeze()."""
    return asanyarray(a).squeeze(axis)


def swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    """As numpy's swapaxes()."""
    return asanyarray(a).swapaxes(axis1, axis2)


def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    """As numpy's moveaxis()."""
    found = asanyarray(a)
    source, destination = [np.atleast_1d(each).tolist() for each in (source, destination)]
    source, destination = [[axis % found.ndim for axis in each] for each in (source, destination)]
    if len(source) != len(destination):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    order = [axis for axis in range(found.ndim) if axis not in source]
    for to, axis in sorted(zip(destination, source, strict=True)):
        order.insert(to, axis)
    return found.transpose(order)


def rollaxis(a: Any, axis: int, start: int = 0) -> Array:
    """As numpy's rollaxis()."""
    found = asanyarray(a)
    order = list(range(found.ndim))
    axis %= found.ndim
    start = start + found.ndim if start < 0 else start
    order.remove(axis)
    order.insert(start - (axis < start), axis)
    return found.transpose(order)


def expand_dims(a: Any, axis: Any) -> Array:
    """As numpy's expand_dims()."""
    found = asanyarray(a)
    axes = (axis,) if isinstance(axis, Integral) else tuple(axis)
    ndim = found.ndim + len(axes)
    for each in axes:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(each, ndim)
    axes = tuple([each % ndim for each in axes])
    return found[tuple([None if i in axes else slice(None) for i in range(ndim)])]


def _at_least(ndim: int) -> Any:
    def function(*arys: Any) -> Any:
        found = [_widened(asanyarray(each), ndim) for each in arys]
        return found[0] if len(found) == 1 else tuple(found)

    function.__name__ = f"atleast_{ndim}d"
    function.__doc__ = f"As numpy's atleast_{ndim}d()."
    return function


def _widened(found: Any, ndim: int) -> Any:
    if ndim == 3 and found.ndim == 2:
        return found[:, :, None]
    if ndim == 3 and found.ndim == 1:
        return found[None, :, None]
    return found[(None,) * max(ndim - found.ndim, 0)] if found.ndim < ndim else found


atleast_1d, atleast_2d, atleast_3d = map(_at_least, (1, 2, 3))


def _several(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]


def vstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """As numpy's vstack()."""
    if isinstance(tup, Array):
        raise NotImplementedError("``vstack`` expects a sequence of arrays as the first argument")
    return concatenate(_several(atleast_2d(*tup)), axis=0, allow_unknown_chunksizes=allow_unknown_chunksizes)


def hstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """As numpy's hstack()."""
    if isinstance(tup, Array):
        raise NotImplementedError("``hstack`` expects a sequence of arrays as the first argument")
    arrays = _several(atleast_1d(*tup))
    return concatenate(
        arrays,
        axis=0 if all(each.ndim == 1 for each in arrays) else 1,
        allow_unknown_chunksizes=allow_unknown_chunksizes,
    )


def dstack(tup: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """As numpy's dstack()."""
    if isinstance(tup, Array):
        raise NotImplementedError("``dstack`` expects a sequence of arrays as the first argument")
    return concatenate(_several(atleast_3d(*tup)), axis=2, allow_unknown_chunksizes=allow_unknown_chunksizes)


def append(arr: Any, values: Any, axis: Any = None) -> Array:
    """As numpy's append()."""
    first, rest = asanyarray(arr), asanyarray(values)
    if axis is None:
        first, rest, axis = first.ravel(), rest.ravel(), 0
    return concatenate((first, rest), axis=axis)


def flip(m: Any, axis: Any = None) -> Array:
    """As numpy's flip()."""
    found = asanyarray(m)
    axes: tuple[Any, ...] = tuple(np.atleast_1d(range(found.ndim) if axis is None else axis).tolist())
    if any(not -found.ndim <= each < found.ndim for each in axes):
        raise ValueError(f"`axis` of {axis} invalid for {found.ndim}-D array")
    axes = tuple([each % found.ndim for each in axes])
    return found[tuple([slice(None, None, -1) if i in axes else slice(None) for i in range(found.ndim)])]


def flipud(m: Any) -> Array:
    """As numpy's flipud()."""
    return flip(m, 0)


def fliplr(m: Any) -> Array:
    """As numpy's fliplr()."""
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    """As numpy's rot90()."""
    found = asanyarray(m)
    axes = tuple(axes)
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    if axes[0] == axes[1] or abs(axes[0] - axes[1]) == found.ndim:
        raise ValueError("Axes must be different.")
    if any(not -found.ndim <= each < found.ndim for each in axes):
        raise ValueError(f"Axes={axes} out of range for array of ndim={found.ndim}.")
    k %= 4
    if k == 0:
        return found[:]
    if k == 2:
        return flip(flip(found, axes[0]), axes[1])
    order = list(range(found.ndim))
    order[axes[0]], order[axes[1]] = order[axes[1]], order[axes[0]]
    return flip(found, axes[1]).transpose(order) if k == 1 else flip(found.transpose(order), axes[1])


def roll(a: Any, shift: Any, axis: Any = None) -> Array:
    """As numpy's roll()."""
    found = asanyarray(a)
    if axis is None:
        return _rolled(found.ravel(), shift, 0).reshape(found.shape)
    shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis))
    if shifts.ndim > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences.")
    for by, along in zip(shifts.tolist(), axes.tolist(), strict=True):
        found = _rolled(found, by, along)
    return found


def _rolled(found: Any, shift: int, axis: int) -> Any:
    length = found.shape[axis]
    place = -shift % length if length else 0
    if not place:
        return found
    before = (slice(None),) * (axis % found.ndim)
    return concatenate([found[(*before, slice(place, None))], found[(*before, slice(None, place))]], axis=axis).rechunk(
        found.chunks
    )


def broadcast_to(x: Any, shape: Any, chunks: Any = None, meta: Any = None) -> Array:
    """As numpy's broadcast_to(); blocks are views of one."""
    found = asanyarray(x)
    wanted = (shape,) if isinstance(shape, Integral) else tuple(shape)
    if found.shape == wanted and (chunks is None or found.chunks == chunks):
        return found
    extra = len(wanted) - found.ndim
    if extra < 0 or any(
        old not in (1, new) and not math.isnan(old) for old, new in zip(found.shape, wanted[extra:], strict=True)
    ):
        raise ValueError(f"cannot broadcast shape {found.shape} to shape {wanted}")
    if chunks is None:
        sizes = (
            *[(length,) for length in wanted[:extra]],
            *[
                old if len(old) > 1 or old == (new,) or old[0] != 1 else (new,)
                for old, new in zip(found.chunks, wanted[extra:], strict=True)
            ],
        )
    else:
        sizes = normalize_chunks(chunks, wanted, dtype=found.dtype)
        for old, new in zip(found.chunks, sizes[extra:], strict=True):
            if old not in ((1,), new):
                raise ValueError(
                    f"cannot broadcast chunks {found.chunks} to chunks {chunks}: new chunks must "
                    f"either be along a new dimension or a dimension of size 1"
                )
    like = empty(wanted, dtype=bool, chunks=sizes)
    return Array.of(elementwise(_broadcast, found.expr, like.expr))


def _broadcast(value: Any, like: Any) -> Any:
    return np.broadcast_to(value, np.shape(like))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    """As numpy's broadcast_arrays()."""
    arrays = [asanyarray(each) if subok else asarray(each) for each in args]
    shape = np.broadcast_shapes(*[each.shape for each in arrays])
    sizes, fitted = aligned([(each.expr, labels_of(each.ndim)) for each in arrays])
    chunks = tuple([sizes[label] for label in labels_of(len(shape))])
    return tuple([broadcast_to(Array.of(each), shape, chunks) for each, _ in fitted])


def repeat(a: Any, repeats: Any, axis: Any = None) -> Array:
    """As numpy's repeat(), of one number of repeats."""
    found = asanyarray(a)
    if axis is None:
        if found.ndim != 1:
            raise NotImplementedError("Must supply an integer axis value")
        axis = 0
    if not isinstance(repeats, Integral):
        raise NotImplementedError("Only integer valued repeats supported")
    if not -found.ndim <= axis < found.ndim:
        raise np.exceptions.AxisError(axis, found.ndim)
    axis %= found.ndim
    if repeats == 0:
        return found[tuple([slice(0) if i == axis else slice(None) for i in range(found.ndim)])]
    if repeats == 1:
        return found
    limit = max(found.chunks[axis])
    size = max(limit // repeats, 1)
    cut = found.rechunk({axis: normalize_chunks((size,), (found.shape[axis],))[0]})
    chunks = tuple(
        [tuple([one * repeats for one in sizes]) if i == axis else sizes for i, sizes in enumerate(cut.chunks)]
    )
    return cut.map_blocks(np.repeat, repeats, axis=axis, chunks=chunks, dtype=found.dtype)


def tile(A: Any, reps: Any) -> Array:
    """As numpy's tile()."""
    counts = (reps,) if isinstance(reps, Integral) else tuple(reps)
    if any(count < 0 for count in counts):
        raise ValueError("Negative `reps` are not allowed.")
    found = asarray(A)
    if all(count == 1 for count in counts):
        return found if len(counts) <= found.ndim else found[(None,) * (len(counts) - found.ndim)]
    counts = (1,) * (found.ndim - len(counts)) + counts
    found = found[(None,) * (len(counts) - found.ndim)]
    for axis, count in enumerate(counts):
        if count != 1:
            found = (
                concatenate([found] * count, axis=axis)
                if count
                else found[tuple([slice(0) if i == axis else slice(None) for i in range(found.ndim)])]
            )
    return found


# Padding ------------------------------------------------------------------------------------------------------

_MODES = (
    "constant",
    "edge",
    "linear_ramp",
    "maximum",
    "mean",
    "median",
    "minimum",
    "reflect",
    "symmetric",
    "wrap",
    "empty",
)


def pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Array:
    """As numpy's pad(). A function as mode gets whole axes, as numpy's does."""
    found = asarray(array)
    widths = _pairs(pad_width, found.ndim)
    if callable(mode):
        return _padded_by(found, widths, mode, keywords)
    if mode not in _MODES:
        raise ValueError(f"mode '{mode}' is not supported")
    allowed = {
        "constant": {"constant_values"},
        "linear_ramp": {"end_values"},
        "reflect": {"reflect_type"},
        "symmetric": {"reflect_type"},
        "maximum": {"stat_length"},
        "mean": {"stat_length"},
        "median": {"stat_length"},
        "minimum": {"stat_length"},
    }
    unknown = set(keywords) - allowed.get(mode, set())
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {sorted(unknown)}")
    if mode in ("maximum", "mean", "median", "minimum"):
        return _padded_by_statistics(found, widths, mode, keywords.get("stat_length"))
    values = _pairs(keywords.get("constant_values", keywords.get("end_values", 0)), found.ndim)
    for axis, (before, after) in enumerate(widths):
        found = _padded_axis(found, axis, before, after, mode, values[axis], keywords.get("reflect_type", "even"))
    return found


def _pairs(value: Any, ndim: int) -> list[tuple[Any, Any]]:
    if isinstance(value, Number) or np.ndim(value) == 0:
        return [(value, value)] * ndim
    if isinstance(value, (tuple, list)) and all(np.ndim(each) == 0 for each in value):
        pair = (value[0], value[0]) if len(value) == 1 else tuple(value)
        if len(pair) != 2:
            raise ValueError(f"`pad_width` must be composed of pairs, got {value}")
        return [pair] * ndim
    pairs = [tuple(each) * (2 if len(each) == 1 else 1) for each in value]
    if len(pairs) == 1:
        pairs = pairs * ndim
    if len(pairs) != ndim:
        raise ValueError(f"{len(pairs)} pairs for {ndim} axes: {value}")
    return pairs


def _padded_axis(found: Any, axis: int, before: int, after: int, mode: str, values: tuple[Any, Any], kind: str) -> Any:
    if mode == "wrap" or mode in ("reflect", "symmetric"):
        return _padded_by_places(found, axis, before, after, mode, kind)
    ends = []
    for width, value, place in ((before, values[0], 0), (after, values[1], -1)):
        ends.append(None if not width else _end(found, axis, width, value, place, mode))
    parts = [each for each in (ends[0], found, ends[1]) if each is not None]
    return concatenate(parts, axis=axis) if len(parts) > 1 else found


def _end(found: Any, axis: int, width: int, value: Any, place: int, mode: str) -> Any:
    shape = tuple([width if i == axis else length for i, length in enumerate(found.shape)])
    chunks = tuple([(width,) if i == axis else sizes for i, sizes in enumerate(found.chunks)])
    if mode == "constant":
        if hasattr(value, "expr"):
            return broadcast_to(value.astype(found.dtype), shape, chunks)
        return full(shape, np.asarray(value).astype(found.dtype)[()], dtype=found.dtype, chunks=chunks)
    if mode == "empty":
        return empty(shape, dtype=found.dtype, chunks=chunks)
    edge = found[(*(slice(None),) * axis, slice(0, 1) if place == 0 else slice(-1, None))]
    if mode == "edge":
        return broadcast_to(edge, shape, chunks)
    return edge.map_blocks(_ramp, axis, width, value, place, dtype=found.dtype, chunks=chunks)


def _ramp(edge: Any, axis: int, width: int, value: Any, place: int) -> Any:
    last = edge.squeeze(axis)
    if place == 0:
        return np.linspace(np.full_like(last, value), last, width, endpoint=False, axis=axis, dtype=edge.dtype)
    found = np.linspace(np.full_like(last, value), last, width, endpoint=False, axis=axis, dtype=edge.dtype)
    return np.flip(found, axis)


def _padded_by_places(found: Any, axis: int, before: int, after: int, mode: str, kind: str) -> Any:
    """Elements of the axis again, as numpy pads the numbers of their places."""
    length = found.shape[axis]
    if not before and not after:
        return found
    places = np.pad(np.arange(length), (before, after), mode=mode)
    taken = found[(*(slice(None),) * axis, places)]
    if kind == "even" or mode == "wrap":
        return taken.rechunk({axis: _padded_sizes(found.chunks[axis], before, after)})
    return _odd(found, axis, before, after, mode)


def _padded_sizes(sizes: Any, before: int, after: int) -> Any:
    return (*([before] if before else []), *sizes, *([after] if after else []))


def _odd(found: Any, axis: int, before: int, after: int, mode: str) -> Any:
    whole = found.rechunk({axis: -1})
    chunks = tuple(
        [(before + found.shape[axis] + after,) if i == axis else sizes for i, sizes in enumerate(whole.chunks)]
    )
    widths = [(before, after) if i == axis else (0, 0) for i in range(found.ndim)]
    return whole.map_blocks(np.pad, widths, mode=mode, reflect_type="odd", dtype=found.dtype, chunks=chunks)


def _padded_by_statistics(found: Any, widths: list[tuple[int, int]], mode: str, length: Any) -> Any:
    lengths = _pairs(length, found.ndim) if length is not None else [(None, None)] * found.ndim
    for axis, (before, after) in enumerate(widths):
        parts = [found]
        for place, width in ((0, before), (1, after)):
            if width:
                count = lengths[axis][place] or found.shape[axis]
                cut = slice(0, count) if place == 0 else slice(max(found.shape[axis] - count, 0), None)
                sample = found[(*(slice(None),) * axis, cut)]
                edge = _statistic(sample, mode, axis, found.dtype)
                shape = tuple([width if i == axis else size for i, size in enumerate(found.shape)])
                chunks = tuple([(width,) if i == axis else sizes for i, sizes in enumerate(found.chunks)])
                parts.insert(0 if place == 0 else len(parts), broadcast_to(edge, shape, chunks))
        found = concatenate(parts, axis=axis) if len(parts) > 1 else found
    return found


def _statistic(sample: Any, mode: str, axis: int, dtype: Any) -> Any:
    if mode == "median":
        whole = sample.rechunk({axis: -1})
        chunks = tuple([(1,) if i == axis else sizes for i, sizes in enumerate(whole.chunks)])
        edge = whole.map_blocks(np.median, axis=axis, keepdims=True, dtype=float, chunks=chunks)
    else:
        edge = getattr(sample, {"maximum": "max", "minimum": "min", "mean": "mean"}[mode])(axis=axis, keepdims=True)
    return edge.round().astype(dtype) if dtype.kind in "iu" and edge.dtype.kind == "f" else edge.astype(dtype)


def _padded_by(found: Any, widths: list[tuple[int, int]], function: Any, keywords: dict[str, Any]) -> Any:
    """As numpy: the function changes each line along an axis in place, an axis after the other."""
    found = _padded_all(found, widths)
    for axis in range(found.ndim):
        whole = found.rechunk({axis: -1})
        found = whole.map_blocks(_lines, axis, widths[axis], function, keywords, dtype=found.dtype, chunks=whole.chunks)
    return found


def _padded_all(found: Any, widths: list[tuple[int, int]]) -> Any:
    for axis, (before, after) in enumerate(widths):
        parts = []
        for width in (before, after):
            shape = tuple([width if i == axis else length for i, length in enumerate(found.shape)])
            chunks = tuple([(width,) if i == axis else sizes for i, sizes in enumerate(found.chunks)])
            parts.append(zeros(shape, dtype=found.dtype, chunks=chunks) if width else None)
        kept = [each for each in (parts[0], found, parts[1]) if each is not None]
        found = concatenate(kept, axis=axis) if len(kept) > 1 else found
    return found


def _lines(block: Any, axis: int, widths: tuple[int, int], function: Any, keywords: dict[str, Any]) -> Any:
    def one(line: Any) -> Any:
        line = line.copy()
        result = function(line, widths, axis, keywords)
        return line if result is None else result

    return np.apply_along_axis(one, axis, block)
