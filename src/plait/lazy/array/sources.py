"""Where arrays come from: anything with shape, dtype and slicing."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import Any

from plait.lazy import blocks
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Index, Layer, PerBlock


class FromArray(ArrayExpression):
    """Slices of something that has them. source: numpy-like; sizes: its chunks."""

    parameters = ("source", "sizes", "getter")
    label = "array"

    @cached_property
    def chunks(self) -> Chunks:
        return self.sizes

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.source, len(self.sizes))

    def layer(self, *inputs: Layer) -> Layer:
        axes = tuple(range(self.ndim))
        counts: dict[Any, int] = dict(zip(axes, self.numblocks, strict=True))
        where = PerBlock(_Slices(self.chunks))
        return blocks.blockwise(self.getter, axes, (self.source, None), (where, axes), name=self.name, sizes=counts)


class _Slices:
    """The slices of a block, by its index."""

    def __init__(self, chunks: Chunks) -> None:
        self._starts = [[0, *accumulate(sizes)] for sizes in chunks]

    def __call__(self, index: Index) -> tuple[slice, ...]:
        return tuple([slice(starts[i], starts[i + 1]) for starts, i in zip(self._starts, index, strict=True)])


def sliced(source: Any, where: tuple[slice, ...]) -> Any:
    """A block of a source."""
    return source[where]


def source_of(x: Any, chunks: Any = "auto", name: str | None = None) -> FromArray:
    """The expression of anything that has shape, dtype and slicing. chunks: as of normalize_chunks."""
    return FromArray(x, normalize_chunks(chunks, x.shape, dtype=x.dtype), sliced, name=name)
