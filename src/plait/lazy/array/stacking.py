"""Arrays put together: concatenate, stack, block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.aligning import aligned
from plait.lazy.array.collection import Array
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.array.sources import source_of
from plait.lazy.blocks import Layer
from plait.lazy.keys import identity


class Concatenate(ArrayExpression):
    """Arrays one after the other along an axis, in the blocks that they have."""

    parameters = ("arrays", "axis", "like")

    @cached_property
    def chunks(self) -> Chunks:
        first = self.arrays[0].chunks
        along = tuple([size for array in self.arrays for size in array.chunks[self.axis]])
        return (*first[: self.axis], along, *first[self.axis + 1 :])

    @cached_property
    def meta(self) -> Any:
        return self.like

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_concatenated, inputs, self.numblocks, self.name, self.axis)


def _concatenated(keys: Sequence[Any], *rest: Any) -> list[Any]:
    *arrays, axis = rest
    owners = [(array, i) for array in arrays for i in range(array.numblocks[axis])]
    counts = [len(owners) if i == axis else count for i, count in enumerate(arrays[0].numblocks)]
    nodes = []
    for key, index in zip(keys, product(*map(range, counts)), strict=True):
        array, i = owners[index[axis]]
        nodes.append(make(identity, (array[(*index[:axis], i, *index[axis + 1 :])],), None, None, None, key))
    return nodes


class Stack(ArrayExpression):
    """Arrays beside each other along a new axis, in blocks of one."""

    parameters = ("arrays", "axis", "like")

    @cached_property
    def chunks(self) -> Chunks:
        first = self.arrays[0].chunks
        return (*first[: self.axis], (1,) * len(self.arrays), *first[self.axis :])

    @cached_property
    def meta(self) -> Any:
        return self.like

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_stacked, inputs, self.numblocks, self.name, self.axis)


def _stacked(keys: Sequence[Any], *rest: Any) -> list[Any]:
    *arrays, axis = rest
    counts = (*arrays[0].numblocks[:axis], len(arrays), *arrays[0].numblocks[axis:])
    where = (*(slice(None),) * axis, None)
    nodes = []
    for key, index in zip(keys, product(*map(range, counts)), strict=True):
        node = arrays[index[axis]][(*index[:axis], *index[axis + 1 :])]
        nodes.append(make(_with_axis, (node, where), None, None, None, key))
    return nodes


def _with_axis(block: Any, where: tuple[Any, ...]) -> Any:
    return block[where]


def _arrays(seq: Any) -> list[ArrayExpression]:
    return [each.expr if isinstance(each, Array) else source_of(np.asarray(each), -1) for each in seq]


def _common_type(arrays: Sequence[ArrayExpression]) -> Any:
    """The meta of what numpy makes of the arrays' metas."""
    metas = [array.meta for array in arrays]
    best = max(metas, key=lambda meta: getattr(meta, "__array_priority__", 0))
    return empty_like(best, None, np.result_type(*[array.dtype for array in arrays]))


def _cast(array: ArrayExpression, dtype: Any) -> ArrayExpression:
    return array if array.dtype == dtype else Array.of(array).astype(dtype).expr


def concatenate(seq: Any, axis: Any = 0, allow_unknown_chunksizes: bool = False) -> Array:
    """Arrays one after the other along an axis. Raises ValueError where other axes differ."""
    arrays = _arrays(seq)
    if not arrays:
        raise ValueError("Need array(s) to concatenate")
    if axis is None:
        arrays, axis = [Array.of(each).ravel().expr for each in arrays], 0
    ndim = arrays[0].ndim
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"Axis must be less than than number of dimensions\nData has {ndim} dimensions, but got axis={axis}"
        )
    axis %= ndim
    if any(each.ndim != ndim for each in arrays):
        raise ValueError(f"all the input arrays must have same number of dimensions: {[each.ndim for each in arrays]}")
    kept = [each for each in arrays if each.shape[axis] != 0] or arrays[:1]
    if len(arrays) > 1 and not allow_unknown_chunksizes:
        _check_shapes(arrays, axis)
    like = _common_type(arrays)
    if len(kept) == 1:
        return Array.of(_cast(kept[0], like.dtype))
    kept = [_cast(each, like.dtype) for each in kept]
    patterns = [tuple([("own", i) if other == axis else other for other in range(ndim)]) for i in range(len(kept))]
    _, fitted = aligned(list(zip(kept, patterns, strict=True)))
    return Array.of(Concatenate(tuple([each for each, _ in fitted]), axis, like))


def _check_shapes(arrays: Sequence[ArrayExpression], axis: int) -> None:
    for other in range(arrays[0].ndim):
        lengths = {each.shape[other] for each in arrays}
        if other != axis and (
            len(lengths) > 1 or any(isinstance(length, float) and math.isnan(length) for length in lengths)
        ):
            if any(isinstance(length, float) and math.isnan(length) for length in lengths):
                raise ValueError(
                    "Tried to concatenate arrays with unknown shape; pass allow_unknown_chunksizes=True, or call "
                    "compute_chunk_sizes()"
                    f" first: {[each.shape for each in arrays]}"
                )
            raise ValueError(
                f"all the input array dimensions except for the concatenation axis must match exactly: "
                f"{[each.shape for each in arrays]}"
            )


def stack(seq: Any, axis: int = 0, allow_unknown_chunksizes: bool = False) -> Array:
    """Arrays beside each other along a new axis. Raises ValueError where shapes differ."""
    arrays = _arrays(seq)
    if not arrays:
        raise ValueError("Need array(s) to stack")
    shapes = {each.shape for each in arrays}
    if len(shapes) > 1 and not allow_unknown_chunksizes:
        raise ValueError(
            f"Stacked arrays must have the same shape. The first array had shape {arrays[0].shape}, "
            f"others {sorted(map(str, shapes))}"
        )
    ndim = arrays[0].ndim
    if not -ndim - 1 <= axis <= ndim:
        raise ValueError(f"Axis must be less than or equal to number of dimensions: {axis} of {ndim}")
    axis %= ndim + 1
    like = _common_type(arrays)
    labels = tuple(range(ndim))
    _, fitted = aligned([(_cast(each, like.dtype), labels) for each in arrays])
    return Array.of(Stack(tuple([each for each, _ in fitted]), axis, empty_like(like, ndim + 1)))


def block(arrays: Any, allow_unknown_chunksizes: bool = False) -> Array:
    """As numpy's block(): nested lists of arrays, the innermost along the last axis."""
    depth = _depth(arrays)
    ndim = max(depth, *[getattr(each, "ndim", 0) for each in _leaves(arrays)])
    return _block(arrays, depth, ndim, allow_unknown_chunksizes)


def _depth(arrays: Any) -> int:
    if isinstance(arrays, tuple):
        raise TypeError(
            "arrays is a tuple. Only lists can be used to arrange blocks, and np.block does not allow "
            "implicit conversion from tuple to ndarray."
        )
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ValueError("List at arrays cannot be empty")
    depths = {_depth(each) for each in arrays}
    if len(depths) > 1:
        raise ValueError("List depths are mismatched")
    return depths.pop() + 1


def _leaves(arrays: Any) -> Any:
    if isinstance(arrays, list):
        for each in arrays:
            yield from _leaves(each)
    else:
        yield arrays


def _block(arrays: Any, depth: int, ndim: int, unknown: bool) -> Array:
    if depth == 0:
        found = arrays if isinstance(arrays, Array) else Array.of(source_of(np.asarray(arrays), -1))
        return found[(None,) * (ndim - found.ndim)] if found.ndim < ndim else found
    return concatenate(
        [_block(each, depth - 1, ndim, unknown) for each in arrays], axis=-depth, allow_unknown_chunksizes=unknown
    )
