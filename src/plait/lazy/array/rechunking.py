"""Rechunking: the same array in other blocks.

A new block is made of the pieces of old ones that it overlaps, as a `made` layer: no block is read that is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.blocks import Blocks, Layer


class Rechunk(ArrayExpression):
    """`array` in blocks of the sizes `target`, which add up to the same; of unknown ones there are the same."""

    parameters = ("array", "target")
    label = "rechunk-merge"

    @cached_property
    def chunks(self) -> Chunks:
        return self.target

    @cached_property
    def meta(self) -> Any:
        return self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        pieces = [_pieces(old, new) for old, new in zip(self.array.chunks, self.target, strict=True)]
        return blocks.made(_made, inputs, self.numblocks, self.name, pieces)


def rechunked(array: ArrayExpression, target: Chunks) -> ArrayExpression:
    """`array` with these chunks."""
    return array if array.chunks == target else Rechunk(array, target)


Piece = tuple[int, slice]  # an old block along an axis, and what of it


def _pieces(old: Sequence[int], new: Sequence[int]) -> list[list[Piece]]:
    """For each new block along an axis the pieces of old ones that it is made of. Unknown ones are as they were."""
    if any(map(math.isnan, old)):
        return [[(i, slice(None))] for i in range(len(old))]
    starts = [0, *accumulate(old)]
    found = []
    begin = 0
    place = 0
    for size in new:
        end = begin + size
        while place < len(old) - 1 and starts[place + 1] <= begin:
            place += 1
        pieces: list[Piece] = []
        at = place
        while True:
            left, right = max(begin, starts[at]), min(end, starts[at + 1])
            if right > left or (not pieces and (right >= end or at == len(old) - 1)):
                pieces.append((at, slice(left - starts[at], right - starts[at])))
            if starts[at + 1] >= end or at == len(old) - 1:
                break
            at += 1
        found.append(pieces)
        begin = end
    return found


def _made(keys: Sequence[Any], array: Blocks, pieces: list[list[list[Piece]]]) -> list[Any]:
    return [
        make(_joined, tuple(_arguments(array, along)), None, None, None, key)
        for key, along in zip(keys, product(*pieces), strict=True)
    ]


def _arguments(array: Blocks, along: tuple[list[Piece], ...]) -> list[Any]:
    shape = tuple(map(len, along))
    index = [tuple(piece[1] for piece in every) for every in product(*along)]
    return [shape, index, *[array[tuple(piece[0] for piece in every)] for every in product(*along)]]


def _joined(shape: tuple[int, ...], index: list[tuple[slice, ...]], *values: Any) -> Any:
    """One block of pieces."""
    cut = [value if _whole(where, value) else value[where] for value, where in zip(values, index, strict=True)]
    for axis in range(len(shape) - 1, -1, -1):
        width = shape[axis]
        if width > 1:
            cut = [np.concatenate(cut[start : start + width], axis=axis) for start in range(0, len(cut), width)]
    return cut[0]


def _whole(where: tuple[slice, ...], value: Any) -> bool:
    return all(
        not each.start and (each.stop is None or each.stop == size)
        for each, size in zip(where, value.shape, strict=True)
    )
