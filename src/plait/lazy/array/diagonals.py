"""Diagonal: an array with the elements of another on its diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Blocks, Layer


class Diagonal(ArrayExpression):
    """The elements of an array of one axis on a diagonal, zeros elsewhere. sizes: the chunks; shift: how many blocks of
    rows, and of columns, come before the diagonal's first.
    """

    parameters = ("array", "sizes", "shift")
    label = "diag"

    @cached_property
    def chunks(self) -> Chunks:
        return self.sizes

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, 2)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_blocks, inputs, self.numblocks, self.name, self.chunks, self.shift, self.dtype)


def _blocks(keys: Sequence[Any], array: Blocks, chunks: Chunks, shift: tuple[int, int], dtype: Any) -> list[Any]:
    count = array.numblocks[0]
    nodes = []
    for key, (i, j) in zip(keys, product(*[range(len(sizes)) for sizes in chunks]), strict=True):
        place = i - shift[0]
        if place == j - shift[1] and 0 <= place < count:
            nodes.append(make(np.diag, (array[(place,)],), None, None, None, key))
        else:
            nodes.append(make(np.zeros, ((chunks[0][i], chunks[1][j]), dtype), None, None, None, key))
    return nodes
