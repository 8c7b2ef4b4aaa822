"""Arrays that are made, block by block, of nothing but where the block is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import Any

from plait.lazy import blocks
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.blocks import Layer, PerBlock


class Made(ArrayExpression):
    """function(shape, starts, *args, **keywords) for each block: its shape, and where it begins."""

    parameters = ("function", "sizes", "like", "args", "keywords")
    defaults = {"args": (), "keywords": {}}

    @property
    def prefix(self) -> str:
        return str(getattr(self.function, "label", self.function.__name__.strip("_")))

    @cached_property
    def chunks(self) -> Chunks:
        return self.sizes

    @cached_property
    def meta(self) -> Any:
        return self.like

    def layer(self, *inputs: Layer) -> Layer:
        axes = tuple(range(self.ndim))
        counts: dict[Any, int] = dict(zip(axes, self.numblocks, strict=True))
        where = PerBlock(_Places(self.chunks))
        values = [(each, None) for each in self.args]
        return blocks.blockwise(
            _Called(self.function), axes, (where, axes), *values, name=self.name, sizes=counts, **self.keywords
        )


class _Places:
    """The shape of a block, and where it begins, by its index."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._starts = [[0, *accumulate(sizes)] for sizes in chunks]

    def __call__(self, index: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        shape = tuple([sizes[i] for sizes, i in zip(self._chunks, index, strict=True)])
        return shape, tuple([starts[i] for starts, i in zip(self._starts, index, strict=True)])


class _Called:
    """A function of a shape and starts, given as one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__name__ = function.__name__

    def __call__(self, place: Any, *args: Any, **keywords: Any) -> Any:
        return self._function(*place, *args, **keywords)
