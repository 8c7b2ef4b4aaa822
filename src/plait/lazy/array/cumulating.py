"""Running totals along an axis: totals of blocks first, then each block's own, shifted by those before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.keys import identity


class Cumulative(ArrayExpression):
    """function(block, axis) of each block, then fold(what the blocks before it end with, that)."""

    parameters = ("array", "function", "fold", "axis", "result", "keywords")

    @cached_property
    def chunks(self) -> Chunks:
        return self.array.chunks

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, None, self.result)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(
            _made, inputs, self.numblocks, self.name, self.function, self.fold, self.axis, self.result, self.keywords
        )


def cumulated(
    array: ArrayExpression,
    function: Callable[..., Any],
    fold: Callable[[Any, Any], Any],
    axis: int,
    result: Any,
    passes: bool = True,
) -> Cumulative:
    """Running totals. function: such as np.cumsum; fold: such as np.add. passes: the function takes dtype=."""
    return Cumulative(array, function, fold, axis, np.dtype(result), {"dtype": np.dtype(result)} if passes else {})


def _made(
    keys: Sequence[Any], array: Blocks, function: Any, fold: Any, axis: int, result: Any, keywords: dict[str, Any]
) -> list[Any]:
    counts = array.numblocks
    name = keys[0][0]
    nodes: dict[Any, Any] = {}
    for line in product(*[range(1) if i == axis else range(count) for i, count in enumerate(counts)]):
        before = None
        for i in range(counts[axis]):
            index = (*line[:axis], i, *line[axis + 1 :])
            own = make(_own, (function, array[index], axis, keywords), None, None, None, (f"{name}-own", *index))
            key = (name, *index)
            if before is None:
                nodes[key] = make(identity, (own,), None, None, None, key)
            else:
                nodes[key] = make(_shifted, (fold, before, own), None, None, None, key)
            if i < counts[axis] - 1:
                end = make(_end, (own, axis), None, None, None, (f"{name}-end", *index))
                before = (
                    end
                    if before is None
                    else make(_shifted, (fold, before, end), None, None, None, (f"{name}-before", *index))
                )
    return [nodes[key] for key in keys]


def _own(function: Any, block: Any, axis: int, keywords: dict[str, Any]) -> Any:
    return function(block, axis=axis, **keywords)


def _end(block: Any, axis: int) -> Any:
    """The last element along an axis; None of an empty block."""
    if block.shape[axis] == 0:
        return None
    return block[(*(slice(None),) * axis, slice(-1, None))]


def _shifted(fold: Any, before: Any, block: Any) -> Any:
    if before is None or block is None:
        return block if before is None else before
    return fold(before, block)
