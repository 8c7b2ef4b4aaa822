"""array[index] = value, as an expression: the array in which some elements are others.

An index of integers, slices, and at most one array of integers or booleans says positions along each axis. Each block
gets those that fall into it, and the part of the value that goes there, whose blocks are cut along the array's; a block
without any stays what it is. A mask of the array's shape is elementwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise, product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.rechunking import rechunked
from plait.lazy.array.slicing import normalized, sliced
from plait.lazy.array.sources import source_of
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.expressions.wrapping import Wrapped

Positions = Any  # a rising array of integers


class Assigned(ArrayExpression):
    """`array` with `value` at `positions`: a rising array of integers for each axis, Wrapped. value: an expression with
    as many axes, whose blocks are those of the array that have positions, or an axis of length one.
    """

    parameters = ("array", "value", "positions", "like")
    defaults = {"like": None}

    @property
    def chunks(self) -> Chunks:
        return self.array.chunks

    @cached_property
    def meta(self) -> Any:
        return self.array.meta if self.like is None else self.like

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_made, inputs, self.numblocks, self.name, self.array.chunks, self.positions.held)


def assigned(array: ArrayExpression, entries: tuple[Any, ...], value: Any) -> ArrayExpression:
    """The array after array[entries] = value. value: an expression, or what numpy takes.

    Raises IndexError and ValueError as numpy, NotImplementedError for an index of several arrays, or of a lazy one that
    is not a mask.
    """
    if any(isinstance(each, ArrayExpression) for each in entries):
        return _where(array, entries, value)
    if len(entries) == 1 and getattr(entries[0], "ndim", 0) > 1:
        return _where(array, (source_of(np.asarray(entries[0]), array.chunks),), value)
    if any(each is None for each in entries):
        raise NotImplementedError("assignment to a new axis is not supported; leave None out of the index")
    full = normalized(entries, array.shape)
    if sum(isinstance(each, (list, np.ndarray)) for each in full) > 1:
        raise NotImplementedError("assignment takes one array of integers or booleans in an index; assign in turn")
    places, orders, kept = [], [], []
    for axis, (each, length) in enumerate(zip(full, array.shape, strict=True)):
        if isinstance(length, float) and math.isnan(length):
            raise ValueError(f"Arrays chunk sizes are unknown: axis {axis}; call compute_chunk_sizes() to assign")
        found, order = _positions(each, int(length), axis)
        places.append(found)
        orders.append(order)
        kept.append(not isinstance(each, (int, np.integer)))
    fitted, like = _fitted(array, value, places, orders, kept)
    return array if fitted is None else Assigned(array, fitted, Wrapped(places), like)


def _positions(each: Any, length: int, axis: int) -> tuple[Positions, Any]:
    """Positions along an axis, rising and each once; and which of the value's elements each gets, None: in order."""
    if isinstance(each, (int, np.integer)):
        if not -length <= each < length:
            raise IndexError(f"index {each} is out of bounds for axis {axis} with size {length}")
        return np.array([int(each) % length]), None
    if isinstance(each, slice):
        wanted = np.arange(length) if each == slice(None) else np.arange(each.start, each.stop, each.step)
    else:
        wanted = np.asarray(each)
        if wanted.dtype == bool:
            if len(wanted) != length:
                raise IndexError(f"a mask of {len(wanted)} elements for axis {axis} with size {length}")
            wanted = np.flatnonzero(wanted)
        elif ((wanted < -length) | (wanted >= length)).any():
            raise IndexError(f"{wanted} is out of bounds for axis {axis} with size {length}")
        wanted = np.where(wanted < 0, wanted + length, wanted)
    if (np.diff(wanted) > 0).all():
        return wanted, None
    found, last = np.unique(wanted[::-1], return_index=True)  # of those that are there twice the last one counts
    return found, len(wanted) - 1 - last


def _fitted(
    array: ArrayExpression, value: Any, places: list[Any], orders: list[Any], kept: list[bool]
) -> tuple[ArrayExpression | None, Any]:
    """The value with the array's axes, in blocks that go to one block each; None if there is nothing to assign."""
    if any(len(each) == 0 for each in places):
        return None, None
    like = None
    if value is np.ma.masked:
        like = np.ma.asarray(array.meta)
        value = np.ma.masked_all((1,) * sum(kept), dtype=array.dtype)
    if not isinstance(value, ArrayExpression):
        held = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
        like = np.ma.asarray(array.meta) if isinstance(value, np.ma.MaskedArray) else like
        value = source_of(held, -1)
    lengths = [len(order) if order is not None else len(each) for each, order in zip(places, orders, strict=True)]
    axes = [axis for axis, is_kept in enumerate(kept) if is_kept]
    while value.ndim > len(axes) and value.shape[0] == 1:
        value = sliced(value, (0,))
    if value.ndim > len(axes):
        raise ValueError(f"could not broadcast a value of shape {value.shape} to {tuple(lengths)}")
    shape = dict(zip(reversed(axes), reversed(value.shape), strict=False))
    for axis, size in shape.items():
        if size not in (1, _count(places[axis], orders[axis])):
            raise ValueError(
                f"could not broadcast a value of shape {value.shape}: axis {axis} has "
                f"{_count(places[axis], orders[axis])} places"
            )
    widened = sliced(value, tuple([slice(None) if axis in shape else None for axis in range(array.ndim)]))
    for axis, order in enumerate(orders):
        if order is not None and shape.get(axis, 1) != 1:
            widened = sliced(widened, (*[slice(None)] * axis, order))
    chunks = [
        (1,) if shape.get(axis, 1) == 1 else _counts(sizes, found)
        for axis, (sizes, found) in enumerate(zip(array.chunks, places, strict=True))
    ]
    return rechunked(widened, tuple(chunks)), like


def _count(places: Any, order: Any) -> int:
    return len(places) if order is None else max(len(order), int(order.max()) + 1)


def _counts(sizes: Sequence[int], places: Any) -> tuple[int, ...]:
    """How many positions fall into each block, of those into which any fall."""
    bounds = np.searchsorted(places, [0, *accumulate(sizes)])
    return tuple([int(each) for each in np.diff(bounds) if each])


def _made(keys: Sequence[Any], array: Blocks, value: Blocks, chunks: Chunks, places: list[Any]) -> list[Any]:
    along = []
    for sizes, found, count in zip(chunks, places, value.numblocks, strict=True):
        starts = [0, *accumulate(sizes)]
        bounds = np.searchsorted(found, starts)
        number = 0
        here = []
        for block, (low, high) in enumerate(pairwise(bounds)):
            here.append((_dense(found[low:high] - starts[block]), number if count > 1 else 0) if high > low else None)
            number += high > low
        along.append(here)
    nodes = []
    for key, index in zip(keys, product(*[range(len(each)) for each in along]), strict=True):
        parts = [each[i] for each, i in zip(along, index, strict=True)]
        if any(part is None for part in parts):
            nodes.append(make(_same, (array[index],), None, None, None, key))
            continue
        local = tuple([part[0] for part in parts if part is not None])
        given = value[tuple([part[1] for part in parts if part is not None])]
        nodes.append(make(_put, (array[index], local, given), None, None, None, key))
    return nodes


def _dense(places: Any) -> Any:
    """Positions as a slice, if they lie evenly."""
    steps = np.diff(places)
    if len(places) == 1:
        return slice(int(places[0]), int(places[0]) + 1)
    if (steps == steps[0]).all():
        return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]))
    return places


def _same(block: Any) -> Any:
    return block


def _put(block: Any, places: tuple[Any, ...], value: Any) -> Any:
    found = np.ma.array(block, copy=True) if isinstance(value, np.ma.MaskedArray) else np.array(block, subok=True)
    found[places if all(isinstance(each, slice) for each in places) else _crossed(places, block.shape)] = value
    return found


def _crossed(places: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index of all combinations of positions."""
    return np.ix_(*[np.arange(size)[each] for each, size in zip(places, shape, strict=True)])


def _where(array: ArrayExpression, entries: tuple[Any, ...], value: Any) -> ArrayExpression:
    """array[mask] = value, of a lazy mask."""
    if len(entries) > 1 and sum(each is not Ellipsis and each != slice(None) for each in _plain(entries)) > 1:
        raise NotImplementedError("a lazy mask is the only index of an assignment; compute it to use it with others")
    place, mask = next((i, each) for i, each in enumerate(entries) if isinstance(each, ArrayExpression))
    if mask.dtype != bool:
        raise NotImplementedError(f"assignment by a lazy index of {mask.dtype} is not supported; compute the index")
    if mask.ndim < array.ndim:
        mask = sliced(mask, (*[None] * place, *[slice(None)] * mask.ndim, *[None] * (array.ndim - mask.ndim - place)))
    if not isinstance(value, ArrayExpression):
        value = value if value is np.ma.masked or np.ndim(value) == 0 else np.asarray(value)
    if getattr(value, "ndim", 0) > 0 and getattr(value, "size", 1) != 1 and value.shape != array.shape:
        raise NotImplementedError(
            f"assignment of a value of shape {value.shape} by a lazy mask is not supported; pass a scalar, or where()"
        )
    if value is np.ma.masked:
        return elementwise(_masked, array, mask)
    return elementwise(_chosen, mask, value, array, result_dtype=array.dtype)


def _plain(entries: tuple[Any, ...]) -> list[Any]:
    return [each for each in entries if isinstance(each, (ArrayExpression, slice)) or each is Ellipsis]


def _chosen(mask: Any, value: Any, block: Any) -> Any:
    found = np.where(mask, value, block) if not np.ma.isMaskedArray(block) else np.ma.where(mask, value, block)
    return found.astype(block.dtype, copy=False)


def _masked(block: Any, mask: Any) -> Any:
    return np.ma.array(block, mask=np.ma.getmaskarray(block) | mask)
