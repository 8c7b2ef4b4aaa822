"""Parts of blocks that are tuples: the results of functions that give several."""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from typing import Any

from plait.lazy import blocks
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Layer


class Part(ArrayExpression):
    """Element `number` of each block of `array`, whose blocks are tuples. like: its meta."""

    parameters = ("array", "number", "like")

    @cached_property
    def chunks(self) -> Chunks:
        return self.array.chunks

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.like, self.array.ndim)

    def layer(self, *inputs: Layer) -> Layer:
        axes = tuple(range(self.ndim))
        return blocks.blockwise(itemgetter(self.number), axes, (inputs[0], axes), name=self.name)
