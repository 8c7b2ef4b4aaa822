"""array[index] where the index is a lazy array of integers, of one axis.

Each block of the index asks each block of the array along the axis for what it wants of it, and puts in order what it
gets. So no block holds more than the result's, whatever the index says.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.blocks import Blocks, Layer


class LookedUp(ArrayExpression):
    """The elements of `array` along `axis` that `index` names; its blocks along it are those of the index."""

    parameters = ("array", "index", "axis")
    label = "getitem"

    @cached_property
    def chunks(self) -> Chunks:
        old = self.array.chunks
        return (*old[: self.axis], self.index.chunks[0], *old[self.axis + 1 :])

    @property
    def meta(self) -> Any:
        return self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        sizes = self.array.chunks[self.axis]
        return blocks.made(_made, inputs, self.numblocks, self.name, self.axis, sizes)


def looked_up(array: ArrayExpression, index: ArrayExpression, axis: int) -> ArrayExpression:
    """The expression of array[..., index, ...]. Raises ValueError for an axis of unknown length."""
    if any(np.isnan(size) for size in array.chunks[axis]):
        raise ValueError(f"Arrays chunk sizes are unknown along axis {axis}; call compute_chunk_sizes() to index it")
    return LookedUp(array, index, axis)


def _made(keys: Sequence[Any], array: Blocks, index: Blocks, axis: int, sizes: tuple[int, ...]) -> list[Any]:
    name = keys[0][0]
    starts = [0, *accumulate(sizes)]
    counts = [*array.numblocks]
    counts[axis] = index.numblocks[0]
    nodes = []
    for key, place in zip(keys, product(*map(range, counts)), strict=True):
        wanted = index[(place[axis],)]
        parts = []
        for i, start in enumerate(starts[:-1]):
            block = array[(*place[:axis], i, *place[axis + 1 :])]
            told = (wanted, block, start, starts[-1], axis)
            parts.append(make(_part, told, None, None, None, (f"{name}-part", *place, i)))
        nodes.append(make(_joined, (wanted, axis, *parts), None, None, None, key))
    return nodes


def _part(wanted: Any, block: Any, start: int, length: int, axis: int) -> tuple[Any, Any]:
    """Which of the wanted elements a block has, and these."""
    outside = (wanted < -length) | (wanted >= length)
    if outside.any():
        raise IndexError(f"index {wanted[outside][0]} is out of bounds for axis {axis} with size {length}")
    local = np.where(wanted < 0, wanted + length, wanted) - start
    here = np.flatnonzero((local >= 0) & (local < block.shape[axis]))
    return here, np.take(block, local[here], axis=axis)


def _joined(wanted: Any, axis: int, *parts: tuple[Any, Any]) -> Any:
    sample = parts[0][1]
    found = np.empty((*sample.shape[:axis], len(wanted), *sample.shape[axis + 1 :]), dtype=sample.dtype)
    for here, values in parts:
        found[(*[slice(None)] * axis, here)] = values
    return found
