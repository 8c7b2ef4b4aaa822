"""Blocks with some of their neighbours' elements: overlap(), map_overlap(), and what is put at the array's ends.

An axis at a time: each block gets the last elements of the one before it and the first of the one behind it, in one
step; a step for the second axis takes blocks that have them along the first, so corners are right. At the ends of an
axis there is what its boundary says: "none" nothing; "periodic" the other end; "reflect" the elements next to the end,
mirrored; "nearest" the last one repeated; or a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import product
from numbers import Integral, Number
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.aligning import aligned
from plait.lazy.array.applying import map_blocks
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import asanyarray, full_like
from plait.lazy.array.cumulating import cumulated
from plait.lazy.array.expression import ArrayExpression, Chunks, labels_of
from plait.lazy.array.gathering import concatenate_lookup
from plait.lazy.array.rechunking import rechunked
from plait.lazy.array.stacking import concatenate
from plait.lazy.blocks import Blocks, Layer, PerBlock

Depth = tuple[int, int]  # elements before a block, and behind it


class Overlap(ArrayExpression):
    """`array` whose blocks along `axis` have `depth` of their neighbours' elements, with `boundary` at the ends."""

    parameters = ("array", "axis", "depth", "boundary")
    label = "overlap"

    @cached_property
    def chunks(self) -> Chunks:
        old = self.array.chunks
        sizes = old[self.axis]
        before, behind = self.depth
        ends = self.boundary != "none"
        grown = tuple(
            [
                size + (before if i or ends else 0) + (behind if i < len(sizes) - 1 or ends else 0)
                for i, size in enumerate(sizes)
            ]
        )
        return (*old[: self.axis], grown, *old[self.axis + 1 :])

    @property
    def meta(self) -> Any:
        return self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_grown, inputs, self.numblocks, self.name, self.axis, self.depth, self.boundary)


def _grown(keys: Sequence[Any], array: Blocks, axis: int, depth: Depth, boundary: Any) -> list[Any]:
    count = array.numblocks[axis]
    nodes = []
    for key, index in zip(keys, product(*map(range, array.numblocks)), strict=True):
        parts: list[Any] = []
        here = index[axis]
        for step, width in ((-1, depth[0]), (1, depth[1])):
            there = here + step
            inside = 0 <= there < count
            neighbour = array[(*index[:axis], there % count, *index[axis + 1 :])]
            if not width or (not inside and boundary == "none"):
                parts.append(None)
            elif inside or boundary == "periodic":
                parts.append(neighbour)
            else:
                parts.append(False)
        before, behind = parts
        nodes.append(make(_with_ends, (array[index], before, behind, axis, depth, boundary), None, None, None, key))
    return nodes


def _with_ends(block: Any, before: Any, behind: Any, axis: int, depth: Depth, boundary: Any) -> Any:
    """A block between parts of others: None for nothing, False for what the boundary says."""
    parts = []
    if before is not None:
        parts.append(_end(block, axis, depth[0], boundary, 0) if before is False else _last(before, axis, depth[0]))
    parts.append(block)
    if behind is not None:
        parts.append(
            _end(block, axis, depth[1], boundary, 1) if behind is False else _cut(behind, axis, slice(0, depth[1]))
        )
    join = concatenate_lookup.dispatch(type(block))
    return block if len(parts) == 1 else join(parts, axis=axis)


def _cut(block: Any, axis: int, part: slice) -> Any:
    return block[(*[slice(None)] * axis, part)]


def _last(block: Any, axis: int, width: int) -> Any:
    return _cut(block, axis, slice(block.shape[axis] - width, None))


def _end(block: Any, axis: int, width: int, boundary: Any, side: int) -> Any:
    """What is at an end of the array. side: 0 before the first block, 1 behind the last."""
    if boundary == "reflect":
        return np.flip(_last(block, axis, width) if side else _cut(block, axis, slice(0, width)), axis=axis)
    edge = _last(block, axis, 1) if side else _cut(block, axis, slice(0, 1))
    if boundary == "nearest":
        return np.repeat(edge, width, axis=axis)
    return np.full_like(np.repeat(edge, width, axis=axis), boundary)


class Trimmed(ArrayExpression):
    """`array` whose blocks have lost what Overlap gave them. depths: axis -> Depth; ends: axes that had boundaries."""

    parameters = ("array", "depths", "ends")
    label = "trim"

    def part(self, axis: int, i: int) -> slice:
        """What is kept of a block."""
        before, behind = self.depths.get(axis, (0, 0))
        count = len(self.array.chunks[axis])
        first = before if i or axis in self.ends else 0
        last = behind if i < count - 1 or axis in self.ends else 0
        return slice(first, -last if last else None)

    @cached_property
    def chunks(self) -> Chunks:
        found = []
        for axis, sizes in enumerate(self.array.chunks):
            parts = [self.part(axis, i) for i in range(len(sizes))]
            found.append(
                tuple([size - (part.start - (part.stop or 0)) for size, part in zip(sizes, parts, strict=True)])
            )
        return tuple(found)

    @property
    def meta(self) -> Any:
        return self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        axes = tuple(range(self.ndim))
        where = PerBlock(lambda index: tuple([self.part(axis, i) for axis, i in enumerate(index)]))
        return blocks.blockwise(_trimmed, axes, (inputs[0], axes), (where, axes), name=self.name)


def _trimmed(block: Any, where: tuple[slice, ...]) -> Any:
    return block[where]


def coerce_depth(ndim: int, depth: Any) -> dict[int, Any]:
    """A depth for each axis: of a number, or of a tuple by axes, or of a dict of some axes. Raises ValueError."""
    default: Any = 0
    if depth is None:
        depth = default
    if isinstance(depth, Integral):
        depth = (depth,) * ndim
    if isinstance(depth, (tuple, list)):
        if len(depth) != ndim:
            raise ValueError(f"depth {depth} has {len(depth)} entries for {ndim} axes")
        depth = dict(enumerate(depth))
    found = {axis: depth.get(axis, depth.get(axis - ndim, default)) for axis in range(ndim)}
    for axis, each in found.items():
        pair = _pair(each)
        if min(pair) < 0:
            raise ValueError(f"depth {each} of axis {axis} is negative")
        found[axis] = each if isinstance(each, tuple) else int(each)
    return found


def coerce_boundary(ndim: int, boundary: Any) -> dict[int, Any]:
    """What is at the ends of each axis; "none" where nothing is said."""
    if boundary is None or isinstance(boundary, (str, Number)):
        boundary = (boundary,) * ndim
    if isinstance(boundary, (tuple, list)):
        boundary = dict(enumerate(boundary))
    found = {axis: boundary.get(axis, boundary.get(axis - ndim)) for axis in range(ndim)}
    for axis, each in found.items():
        if isinstance(each, str) and each not in ("none", "periodic", "reflect", "nearest"):
            raise ValueError(
                f"boundary {each!r} of axis {axis} is none of none, periodic, reflect, nearest, or a number"
            )
    return {axis: "none" if each is None else each for axis, each in found.items()}


def _pair(depth: Any) -> Depth:
    return (int(depth[0]), int(depth[1])) if isinstance(depth, tuple) else (int(depth), int(depth))


def ensure_minimum_chunksize(size: int, chunks: Sequence[int]) -> tuple[int, ...]:
    """Chunks of at least a size: smaller ones are put together with neighbours. Raises ValueError if all are less."""
    if size <= min(chunks):
        return tuple(chunks)
    found: list[int] = []
    waiting = 0
    for each in chunks:
        waiting += each
        if waiting >= size:
            found.append(waiting)
            waiting = 0
    if waiting and found:
        found[-1] += waiting
    if not found:
        raise ValueError(f"The overlapping depth {size} is larger than your array {sum(chunks)}.")
    return tuple(found)


def overlapped(
    array: ArrayExpression, depth: dict[int, Any], boundary: dict[int, Any], may_rechunk: bool
) -> ArrayExpression:
    """The expression of overlap(); depth and boundary of each axis."""
    target = []
    for axis, sizes in enumerate(array.chunks):
        wanted = max(_pair(depth[axis]))
        if wanted > sum(sizes):
            raise ValueError(f"The overlapping depth {wanted} is larger than your array {sum(sizes)}.")
        if not may_rechunk and wanted > min(sizes):
            raise ValueError(
                f"The overlapping depth {wanted} is larger than your smallest chunk size {min(sizes)}. Rechunk your "
                "array with a larger chunk size, or pass allow_rechunk=True"
            )
        target.append(ensure_minimum_chunksize(wanted, sizes) if wanted else sizes)
    array = rechunked(array, tuple(target))
    for axis in range(array.ndim):
        pair = _pair(depth[axis])
        if any(pair):
            array = Overlap(array, axis, pair, boundary[axis])
    return array


def trimmed(array: ArrayExpression, depth: Mapping[int, Any], boundary: Mapping[int, Any]) -> ArrayExpression:
    """The expression of trim_internal()."""
    depths = {axis: _pair(each) for axis, each in depth.items() if any(_pair(each))}
    ends = tuple([axis for axis in depths if boundary.get(axis, "none") not in ("none", None)])
    return Trimmed(array, depths, ends) if depths else array


def overlap(x: Any, depth: Any, boundary: Any, *, allow_rechunk: bool = True) -> Array:
    """Each block with `depth` elements of its neighbours. depth: a number, or one for each axis, as a tuple or a dict;
    a pair for different ones before and behind, with boundary "none". boundary: see the module, for all axes or in a
    dict. allow_rechunk: blocks smaller than the depth are put together; else that raises ValueError.
    """
    array = asanyarray(x)
    depths, ends = _given(array.ndim, depth, boundary)
    return Array.of(overlapped(array.expr, depths, ends, allow_rechunk))


def _given(ndim: int, depth: Any, boundary: Any) -> tuple[dict[int, Any], dict[int, Any]]:
    depths, ends = coerce_depth(ndim, depth), coerce_boundary(ndim, boundary)
    for axis, each in depths.items():
        if isinstance(each, tuple) and each[0] != each[1] and ends[axis] != "none":
            raise NotImplementedError(
                "Asymmetric overlap is currently only implemented for boundary 'none' ; axis "
                f"{axis} has depth {each} and boundary {ends[axis]!r}"
            )
    return depths, ends


def overlap_internal(x: Any, axes: Any) -> Array:
    """overlap() with nothing at the ends. axes: axis -> depth."""
    return overlap(x, axes, "none")


def trim_internal(x: Any, axes: Any, boundary: Any = None) -> Array:
    """Blocks without `axes` elements at each side, axis -> depth; at the array's ends only if there was a boundary."""
    array = asanyarray(x)
    return Array.of(trimmed(array.expr, coerce_depth(array.ndim, axes), coerce_boundary(array.ndim, boundary)))


def trim_overlap(x: Any, depth: Any, boundary: Any = None) -> Array:
    """What overlap() added is gone again."""
    return trim_internal(x, depth, boundary)


def map_overlap(
    func: Callable[..., Any],
    *args: Any,
    depth: Any = None,
    boundary: Any = None,
    trim: bool = True,
    align_arrays: bool = True,
    allow_rechunk: bool = True,
    **kwargs: Any,
) -> Array:
    """func(blocks with their neighbours' elements), as map_blocks(); what was added is cut off the results.

    depth, boundary: as of overlap(), or a list of these, one for each array. trim: False if func does that itself.
    align_arrays: arrays get common blocks. kwargs: for map_blocks.
    """
    if not callable(func):
        raise TypeError(
            f"First argument must be callable function, not {type(func).__name__}\nUsage:   "
            f"da.map_overlap(function, x)\n   or:   da.map_overlap(function, x, y, z)"
        )
    arrays = [each for each in args if isinstance(each, Array)]
    if not arrays or not all(isinstance(each, Array) or np.isscalar(each) or each is None for each in args):
        wrong = next((each for each in args if not isinstance(each, Array)), None)
        raise TypeError(f"All variadic arguments must be arrays, not {type(wrong).__name__}; pass others as keywords")
    found = list(zip(_for_each(depth, arrays, coerce_depth), _for_each(boundary, arrays, coerce_boundary), strict=True))
    for depths, ends in found:
        _given(len(depths), depths, ends)
    expressions = [each.expr for each in arrays]
    if align_arrays:
        _, pairs = aligned([(each, labels_of(each.ndim)) for each in expressions])
        expressions = [each for each, _ in pairs]
    grown = iter(
        [overlapped(each, depths, ends, allow_rechunk) for each, (depths, ends) in zip(expressions, found, strict=True)]
    )
    operands = [next(grown) if isinstance(each, Array) else each for each in args]
    mapped: ArrayExpression = map_blocks(func, *operands, **kwargs)
    if not trim:
        return Array.of(mapped)
    deepest = max(range(len(arrays)), key=lambda i: (arrays[i].ndim, -i))
    depths, ends = found[deepest]
    return Array.of(trimmed(mapped, *_moved(depths, ends, kwargs)))


def _for_each(given: Any, arrays: list[Array], coerce: Callable[[int, Any], dict[int, Any]]) -> list[dict[int, Any]]:
    entries = given if isinstance(given, list) else [given] * len(arrays)
    if len(entries) != len(arrays):
        raise ValueError(f"{len(entries)} depths or boundaries for {len(arrays)} arrays")
    return [coerce(array.ndim, each) for array, each in zip(arrays, entries, strict=True)]


def _moved(depths: dict[int, Any], ends: dict[int, Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Depths and boundaries by the axes of the result, of a function that drops axes or has new ones."""
    dropped, added = kwargs.get("drop_axis"), kwargs.get("new_axis")
    axes: list[Any] = list(range(len(depths)))
    if dropped is not None:
        gone = {each % len(axes) for each in ([dropped] if isinstance(dropped, Integral) else dropped)}
        axes = [each for each in axes if each not in gone]
    if added is not None:
        for each in sorted([added] if isinstance(added, Integral) else added):
            axes.insert(each, None)
    pairs = [(place, each) for place, each in enumerate(axes) if each is not None]
    return {place: depths[each] for place, each in pairs}, {place: ends[each] for place, each in pairs}


def periodic(x: Array, axis: int, depth: int) -> Array:
    """With `depth` elements of the other end at each end of an axis."""
    return concatenate([_at(x, axis, slice(-depth, None)), x, _at(x, axis, slice(0, depth))], axis=axis)


def reflect(x: Array, axis: int, depth: int) -> Array:
    """With `depth` elements mirrored at each end of an axis."""
    left = _at(x, axis, slice(depth - 1, None, -1))
    right = _at(x, axis, slice(-1, -depth - 1, -1))
    return concatenate([left, x, right], axis=axis)


def nearest(x: Array, axis: int, depth: int) -> Array:
    """With the last element `depth` times at each end of an axis."""
    left, right = _at(x, axis, slice(0, 1)), _at(x, axis, slice(-1, None))
    return concatenate([left.repeat(depth, axis=axis), x, right.repeat(depth, axis=axis)], axis=axis)


def constant(x: Array, axis: int, depth: int, value: Any) -> Array:
    """With a value `depth` times at each end of an axis."""
    shape = (*x.shape[:axis], depth, *x.shape[axis + 1 :])
    chunks = (*x.chunks[:axis], (depth,), *x.chunks[axis + 1 :])
    end = full_like(x, value, dtype=x.dtype, shape=shape, chunks=chunks)
    return concatenate([end, x, end], axis=axis)


def _at(x: Array, axis: int, part: slice) -> Array:
    found: Array = x[(*[slice(None)] * axis, part)]
    return found


def boundaries(x: Array, depth: Any = None, kind: Any = None) -> Array:
    """With what is at the ends of axes in blocks of its own. kind: see the module."""
    depths, ends = coerce_depth(x.ndim, depth), coerce_boundary(x.ndim, kind)
    for axis in range(x.ndim):
        width, end = _pair(depths[axis])[0], ends[axis]
        if not width or end == "none":
            continue
        named = {"periodic": periodic, "reflect": reflect, "nearest": nearest}.get(end)
        x = constant(x, axis, width, end) if named is None else named(x, axis, width)
    return x


def sliding_window_view(x: Any, window_shape: Any, axis: Any = None, automatic_rechunk: bool = True) -> Array:
    """As numpy's sliding_window_view(): windows along axes, as new last axes, lazily."""
    array = asanyarray(x)
    lengths = tuple(window_shape) if isinstance(window_shape, (tuple, list)) else (window_shape,)
    if any(each < 0 for each in lengths):
        raise ValueError("`window_shape` cannot contain negative values")
    if axis is None:
        axes = tuple(range(array.ndim))
        if len(lengths) != array.ndim:
            raise ValueError(
                f"Since axis is None, must provide window_shape for all dimensions of `x`; got "
                f"{len(lengths)} window_shape elements and `x.ndim` is {array.ndim}."
            )
    else:
        axes = tuple([int(each) % array.ndim for each in ([axis] if isinstance(axis, Integral) else axis)])
        if len(lengths) != len(axes):
            raise ValueError(
                f"Must provide matching length window_shape and axis; got {len(lengths)} window_shape "
                f"elements and {len(axes)} axes elements."
            )
    depth = dict.fromkeys(range(array.ndim), 0)
    for each, length in zip(axes, lengths, strict=True):
        depth[each] += length - 1
    if any(depth[each] >= array.shape[each] + (depth[each] == 0) for each in axes):
        raise ValueError(f"window shape {lengths} is larger than the array's {array.shape}")
    pairs = {each: (0, width) for each, width in depth.items()}
    grown = overlapped(array.expr, pairs, coerce_boundary(array.ndim, "none"), True)
    chunks = [tuple([size - depth[each] for size in sizes]) for each, sizes in enumerate(grown.chunks)]
    return Array.of(
        map_blocks(
            np.lib.stride_tricks.sliding_window_view,
            grown,
            lengths,
            axis=axes,
            new_axis=list(range(array.ndim, array.ndim + len(axes))),
            chunks=(*chunks, *[(each,) for each in lengths]),
            dtype=array.dtype,
            meta=np.empty((0,) * (array.ndim + len(axes)), dtype=array.dtype),
        )
    )


def push(array: Any, n: int | None, axis: int) -> Array:
    """NaN takes the last element before it along an axis that is not, at most `n` in turn; None: any number."""
    values = asanyarray(array)
    filled = Array.of(cumulated(values.expr, _pushed, _kept, axis, values.dtype, passes=False))
    if n is None:
        return filled
    places = np.arange(values.shape[axis]).reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    here = values._elementwise(_last_place, values, places)
    last = Array.of(cumulated(here.expr, np.maximum.accumulate, np.maximum, axis, np.intp, passes=False))
    return values._elementwise(_within, filled, last, places, n)


def _pushed(block: Any, axis: int) -> Any:
    length = block.shape[axis]
    places = np.arange(length).reshape([-1 if each == axis else 1 for each in range(block.ndim)])
    last = np.maximum.accumulate(np.where(np.isnan(block), 0, places), axis=axis)
    return np.take_along_axis(block, last, axis) if length else block


def _kept(before: Any, block: Any) -> Any:
    return np.where(np.isnan(block), before, block)


def _last_place(block: Any, places: Any) -> Any:
    return np.where(np.isnan(block), -1, places)


def _within(filled: Any, last: Any, places: Any, n: int) -> Any:
    return np.where(places - last <= n, filled, np.nan).astype(filled.dtype)
