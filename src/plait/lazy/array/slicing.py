"""Parts of arrays by index: slices, integers, new axes, arrays of integers and of booleans.

An index is taken apart: slices and integers first, which make one expression; then, an axis each, arrays of integers,
whose result is in blocks of about the size that there were; last new axes. Booleans of numpy are integers; lazy ones
give blocks of unknown size.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, product
from numbers import Integral
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.aligning import aligned
from plait.lazy.array.chunks import equal_blocks
from plait.lazy.array.expression import ArrayExpression, Blockwise, Chunks, labels_of
from plait.lazy.array.metas import empty_like
from plait.lazy.array.rechunking import rechunked
from plait.lazy.blocks import Blocks, Layer

Piece = tuple[int, Any]  # a block along an axis, and what of it


class Slice(ArrayExpression):
    """array[index]: a slice or an integer for each axis; bounds are within the axis, and known."""

    parameters = ("array", "index")
    label = "getitem"

    @cached_property
    def pieces(self) -> list[list[Piece]]:
        """For each axis the parts of blocks that are taken, in order."""
        return [_pieces(sizes, each) for sizes, each in zip(self.array.chunks, self.index, strict=True)]

    @cached_property
    def chunks(self) -> Chunks:
        kept = []
        for along, sizes, each in zip(self.pieces, self.array.chunks, self.index, strict=True):
            if isinstance(each, slice):
                kept.append(tuple([_length(part, sizes[i]) for i, part in along]) or (0,))
        return tuple(kept)

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, len(self.chunks))

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_cut, inputs, self.numblocks, self.name, self.pieces)


def _pieces(sizes: Sequence[Any], index: Any) -> list[Piece]:
    if isinstance(index, slice):
        if index == slice(None):
            return [(i, index) for i in range(len(sizes))]
        return _slice_pieces(sizes, index) or [(0, slice(0, 0))]
    starts = [0, *accumulate(sizes)]
    block = bisect_right(starts, index) - 1
    return [(block, int(index - starts[block]))]


def _slice_pieces(sizes: Sequence[int], index: slice) -> list[Piece]:
    start, stop, step = index.start, index.stop, index.step
    found: list[Piece] = []
    begin = 0
    spans = []
    for i, size in enumerate(sizes):
        spans.append((i, begin, begin + size))
        begin += size
    for i, low, high in spans if step > 0 else reversed(spans):
        if step > 0:
            first = start if start >= low else start + -(-(low - start) // step) * step
            if first < min(high, stop):
                found.append((i, slice(first - low, min(high, stop) - low, step)))
        else:
            first = start if start < high else start - -(-(start - (high - 1)) // -step) * -step
            if first >= low and first > stop:
                end = max(stop, low - 1) - low
                found.append((i, slice(first - low, end if end >= 0 else None, step)))
    return found


def _length(part: slice, size: Any) -> Any:
    if part == slice(None):
        return size
    return len(range(*part.indices(size)))


def _cut(keys: Sequence[Any], array: Blocks, pieces: list[list[Piece]]) -> list[Any]:
    nodes = []
    for key, along in zip(keys, product(*pieces), strict=True):
        where = tuple([each for _, each in along])
        nodes.append(make(_taken, (array[tuple([i for i, _ in along])], where), None, None, None, key))
    return nodes


def _taken(block: Any, where: tuple[Any, ...]) -> Any:
    return block if all(isinstance(each, slice) and each == slice(None) for each in where) else block[where]


class Take(ArrayExpression):
    """The elements `wanted` along an axis: integers within it. sizes: of the result's blocks along it."""

    parameters = ("array", "wanted", "axis", "sizes")
    label = "getitem"

    @cached_property
    def chunks(self) -> Chunks:
        old = self.array.chunks
        return (*old[: self.axis], self.sizes, *old[self.axis + 1 :])

    @cached_property
    def meta(self) -> Any:
        return self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        plans = _take_plans(self.array.chunks[self.axis], self.wanted, self.sizes)
        return blocks.made(_gathered, inputs, self.numblocks, self.name, plans, self.axis)


TakePlan = tuple[
    list[int], list[Any], Any
]  # blocks, what of each, in which order the joined ones are wanted; None: theirs


def _take_plans(old: Sequence[int], wanted: np.ndarray, sizes: Sequence[int]) -> list[TakePlan]:
    starts = np.array([0, *accumulate(old)])
    plans: list[TakePlan] = []
    begin = 0
    for size in sizes:
        part = wanted[begin : begin + size]
        begin += size
        owner = np.searchsorted(starts, part, side="right") - 1
        used = np.unique(owner)
        places = [part[owner == i] - starts[i] for i in used]
        order = np.argsort(np.argsort(owner, kind="stable"), kind="stable")
        in_order = bool((order == np.arange(len(order))).all())
        plans.append(([int(i) for i in used] or [0], places or [np.empty(0, dtype=int)], None if in_order else order))
    return plans


def _gathered(keys: Sequence[Any], array: Blocks, plans: list[TakePlan], axis: int) -> list[Any]:
    grid = [range(count) for count in array.numblocks]
    nodes = []
    outer = [range(len(plans)) if i == axis else along for i, along in enumerate(grid)]
    for key, index in zip(keys, product(*outer), strict=True):
        used, places, order = plans[index[axis]]
        sources = [array[(*index[:axis], i, *index[axis + 1 :])] for i in used]
        nodes.append(make(_picked, (axis, places, order, *sources), None, None, None, key))
    return nodes


def _picked(axis: int, places: list[Any], order: Any, *values: Any) -> Any:
    before = (slice(None),) * axis
    parts = [value[(*before, place)] for value, place in zip(values, places, strict=True)]
    found = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)
    return found if order is None else found[(*before, order)]


def take(array: ArrayExpression, wanted: Any, axis: int) -> ArrayExpression:
    """Elements along an axis, by an array of integers, which may be negative. Raises IndexError for others."""
    length = array.shape[axis]
    indices = np.asarray(wanted)
    if indices.size and (indices.min() < -length or indices.max() >= length):
        raise IndexError(f"index {int(indices.max())} is out of bounds for axis {axis} with size {length}")
    indices = np.where(indices < 0, indices + length, indices).astype(np.int64)
    if len(indices) == length and (indices == np.arange(length)).all():
        return array
    return Take(array, indices, axis, _take_sizes(array.chunks[axis], indices))


def _take_sizes(old: Sequence[int], indices: np.ndarray) -> tuple[int, ...]:
    """Rising indices keep to the blocks that they are in; others are in blocks of the largest size that there is."""
    if not len(indices):
        return (0,)
    if (np.diff(indices) >= 0).all():
        owner = np.searchsorted(np.cumsum(old), indices, side="right")
        counts = np.bincount(owner, minlength=len(old))
        limit = max(old)
        return tuple([int(part) for count in counts if count for part in equal_blocks(int(count), max(limit, 1))])
    return equal_blocks(len(indices), max(*old, 1))


def normalized(index: Any, shape: Sequence[Any]) -> tuple[Any, ...]:
    """An index with as many entries as axes, besides new ones: slices with bounds, integers that are not negative,
    arrays.

    Raises IndexError for too many indices, or ones out of bounds.
    """
    index = index if isinstance(index, tuple) else (index,)
    index = tuple([_plain(each) for each in index])
    taken = sum(_width(each) for each in index)
    dots = [i for i, each in enumerate(index) if each is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if taken > len(shape):
        raise IndexError("Too many indices for array")
    rest = (slice(None),) * (len(shape) - taken)
    index = (*index[: dots[0]], *rest, *index[dots[0] + 1 :]) if dots else (*index, *rest)
    found: list[Any] = []
    axis = 0
    for each in index:
        if each is None:
            found.append(each)
            continue
        found.append(_bounded(each, shape[axis], axis))
        axis += _width(each)
    return tuple(found)


def is_wide_mask(each: Any) -> bool:
    """Whether an index is an array of booleans of several axes."""
    return getattr(each, "ndim", 0) > 1 and each.dtype.kind == "b"


def _width(each: Any) -> int:
    """How many axes an entry takes."""
    if each is None or each is Ellipsis:
        return 0
    return each.ndim if is_wide_mask(each) else 1


def _plain(each: Any) -> Any:
    if isinstance(each, (list, range)) or (isinstance(each, tuple) and each):
        each = np.asarray(each) if len(each) else np.empty(0, dtype=np.int64)
    if isinstance(each, np.ndarray) and each.ndim == 0 and each.dtype.kind in "iu":
        return int(each)
    if isinstance(each, np.generic) and each.dtype.kind in "iu":
        return int(each)
    if hasattr(each, "__array__") and not hasattr(each, "expr") and not isinstance(each, (np.ndarray, np.generic)):
        return np.asarray(each)
    if isinstance(each, slice):
        return slice(*[_int(one) for one in (each.start, each.stop, each.step)])
    if isinstance(each, np.ndarray) and each.dtype.kind == "f":
        if (each != each.astype(np.int64)).any():
            raise IndexError(f"Bad index.  Must be integer-like: {each}")
        return each.astype(np.int64)
    return _int(each) if isinstance(each, float) else each


def _int(value: Any) -> Any:
    if value is None or isinstance(value, Integral):
        return value if value is None else int(value)
    if isinstance(value, float) and value == int(value):
        return int(value)
    if hasattr(value, "__index__"):
        return value.__index__()
    raise IndexError(f"Bad index.  Must be integer-like: {value}")


def _bounded(each: Any, length: Any, axis: int) -> Any:
    if isinstance(each, slice):
        if isinstance(length, float) and math.isnan(length):
            if each == slice(None):
                return each
            raise ValueError(
                f"Arrays chunk sizes are unknown: axis {axis} cannot be sliced by {each}; call compute_chunk_sizes()"
            )
        start, stop, step = each.indices(length)
        if step == 1 and start == 0 and stop >= length:
            return slice(None)
        return slice(start, max(stop, start) if step > 0 else stop, step)
    if isinstance(each, (bool, np.bool_)):
        return np.asarray([each]) if length == 1 else each
    if isinstance(each, int):
        if not -length <= each < length:
            raise IndexError(
                f"Index is not smaller than dimension {each} >= {length}"
                if each >= 0
                else f"Negative index is not greater than negative dimension {each} <= -{length}"
            )
        return int(each) + length if each < 0 else int(each)
    if isinstance(each, np.ndarray) and each.dtype == bool and each.ndim == 1:
        if len(each) != length and not math.isnan(length):
            raise IndexError(
                f"Boolean array with size {len(each)} is not long enough for axis {axis} with size {length}"
                if len(each) < length
                else f"boolean index of size {len(each)} does not match axis {axis} with size {length}"
            )
        return np.nonzero(each)[0]
    return each


def sliced(array: ArrayExpression, index: Any) -> ArrayExpression:
    """array[index] of slices, integers, new axes, and arrays of integers along at most one axis.

    Raises IndexError, and NotImplementedError for several arrays.
    """
    index = normalized(index, array.shape)
    wanted = [each for each in index if each is not None]
    found = array
    plain = tuple([each if isinstance(each, (slice, int)) else slice(None) for each in wanted])
    if any(each != slice(None) for each in plain):
        found = Slice(found, plain)
    axis = 0
    arrays = 0
    for each in wanted:
        if isinstance(each, int):
            continue
        if isinstance(each, np.ndarray):
            arrays += 1
            if arrays > 1:
                raise NotImplementedError("Don't yet support nested fancy indexing; use .vindex for several arrays")
            found = take(found, each, axis)
        axis += 1
    return expanded(found, _new_axes(index))


def _new_axes(index: Sequence[Any]) -> list[int]:
    """Where in the result new axes stand."""
    kept = [each for each in index if not isinstance(each, int)]
    return [i for i, each in enumerate(kept) if each is None]


def expanded(array: ArrayExpression, axes: Sequence[int]) -> ArrayExpression:
    """With axes of length one at these places of the result."""
    if not axes:
        return array
    ndim = array.ndim + len(axes)
    where = tuple([None if i in axes else slice(None) for i in range(ndim)])
    labels = labels_of(ndim)
    old = tuple([label for i, label in enumerate(labels) if i not in axes])
    sizes = {labels[i]: (1,) for i in axes}
    like = (
        array.meta[where]
        if hasattr(array.meta, "ndim") and array.meta.ndim == array.ndim
        else empty_like(array.meta, ndim)
    )
    return Blockwise(_indexed, labels, ((array, old), (where, None)), {}, sizes, like, {labels[i]: 1 for i in axes})


def _indexed(block: Any, where: tuple[Any, ...]) -> Any:
    return block[where]


def masked(array: ArrayExpression, mask: ArrayExpression) -> ArrayExpression:
    """array[mask] of a lazy mask with as many axes: flat, in blocks of unknown size, in the order of blocks."""
    if array.ndim == 1:
        labels = labels_of(1)
        _, ((array, _), (mask, _)) = aligned([(array, labels), (mask, labels)])
        sizes = {0: tuple([np.nan] * len(array.chunks[0]))}
        return Blockwise(_where, labels, ((array, labels), (mask, labels)), {}, sizes, array.meta)
    array, mask = in_rows(array), in_rows(mask)
    labels = labels_of(array.ndim)
    _, ((array, _), (mask, _)) = aligned([(array, labels), (mask, labels)])
    return FlatMasked(array, mask)


def in_rows(array: ArrayExpression) -> ArrayExpression:
    """In blocks along the first axis alone, so that their order is that of rows."""
    if all(len(sizes) == 1 for sizes in array.chunks[1:]):
        return array
    return rechunked(array, (array.chunks[0], *[(length,) for length in array.shape[1:]]))


def _where(block: Any, mask: Any) -> Any:
    return block[mask]


class FlatMasked(ArrayExpression):
    """array[mask], flat; both in rows."""

    parameters = ("array", "mask")
    label = "getitem"

    @cached_property
    def chunks(self) -> Chunks:
        return ((np.nan,) * self.array.numblocks[0],)

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, 1)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_masked, inputs, self.numblocks, self.name)


def _masked(keys: Sequence[Any], array: Blocks, mask: Blocks) -> list[Any]:
    pairs = zip(array.nodes, mask.nodes, strict=True)
    return [make(_where, pair, None, None, None, key) for key, pair in zip(keys, pairs, strict=True)]


def compressed(array: ArrayExpression, mask: ArrayExpression, axis: int) -> ArrayExpression:
    """The elements along an axis where a lazy mask of one axis is true, in blocks of unknown size."""
    labels = labels_of(array.ndim)
    _, ((array, _), (mask, _)) = aligned([(array, labels), (mask, (labels[axis],))])
    sizes = {labels[axis]: (np.nan,) * len(array.chunks[axis])}
    pairs = ((array, labels), (mask, (labels[axis],)), (axis, None))
    return Blockwise(_compress, labels, pairs, {}, sizes, array.meta)


def _compress(block: Any, mask: Any, axis: int) -> Any:
    return block[(*(slice(None),) * axis, mask)]
