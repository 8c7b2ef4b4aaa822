"""Array expressions: chunks and a meta, known before data is touched.

chunks: a tuple of block sizes for each axis; a size that is not known yet is nan. meta: an empty array of the
blocks' kind, which says dtype and type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

from plait.lazy import blocks
from plait.lazy.array.metas import meta_of
from plait.lazy.blocks import Layer
from plait.lazy.expressions import Expression
from plait.lazy.functions import funcname

Chunks: TypeAlias = tuple[tuple[Any, ...], ...]  # ints, or nan
Pattern: TypeAlias = tuple[Any, ...]


class ArrayExpression(Expression):
    """An array. Each class gives `chunks`, `meta`, and `layer`."""

    family = "array"

    @cached_property
    def chunks(self) -> Chunks:
        """Block sizes along each axis."""
        raise NotImplementedError

    @cached_property
    def meta(self) -> Any:
        """An empty array of the blocks' type and dtype, with as many axes as blocks have."""
        raise NotImplementedError

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        return tuple([sum(sizes) for sizes in self.chunks])

    @property
    def ndim(self) -> int:
        return len(self.chunks)

    @property
    def dtype(self) -> Any:
        return getattr(self.meta, "dtype", None)

    @cached_property
    def numblocks(self) -> tuple[int, ...]:
        return tuple([len(sizes) for sizes in self.chunks])

    @property
    def is_known(self) -> bool:
        """Whether all block sizes are known."""
        return not any(math.isnan(size) for sizes in self.chunks for size in sizes)

    def describe(self) -> str:
        return f"{super().describe()}  {self.shape} {self.dtype} in {self.numblocks} chunks, numpy"


class FromNodes(ArrayExpression):
    """Blocks that are nodes already, in the order of itertools.product."""

    parameters = ("nodes", "sizes", "like")
    label = "array"

    @property
    def chunks(self) -> Chunks:
        return self.sizes

    @property
    def meta(self) -> Any:
        return self.like

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.given(self.nodes.held, self.numblocks, self.name)


class Blockwise(ArrayExpression):
    """function(blocks of the operands, **keywords) for each block.

    out: labels of the axes. arguments: (value, pattern) each: an ArrayExpression with a label for each of its axes, or
    any other value with None, which each call gets as it is; see `blocks.blockwise`. sizes: block sizes along labels
    that no operand has, or whose sizes the function changes: label -> sizes. counts: blocks along labels.
    """

    parameters = ("function", "out", "arguments", "keywords", "sizes", "like", "counts")
    defaults = {"keywords": {}, "sizes": {}, "like": None, "counts": None}

    function: Callable[..., Any]
    out: Pattern
    arguments: tuple[tuple[Any, Pattern | None], ...]
    keywords: dict[str, Any]
    sizes: dict[Any, tuple[Any, ...]]
    like: Any

    @property
    def prefix(self) -> str:
        return funcname(self.function).strip("_") or self.label

    @cached_property
    def label_sizes(self) -> dict[Any, tuple[Any, ...]]:
        """The block sizes along each label."""
        found: dict[Any, tuple[Any, ...]] = {}
        for value, pattern in self.arguments:
            if pattern is None or not isinstance(value, ArrayExpression):
                continue
            for label, sizes in zip(pattern, value.chunks, strict=True):
                known = found.get(label)
                if known is None or known == (1,) or (len(known) == 1 and len(sizes) > 1):
                    found[label] = sizes
        found.update(self.sizes)
        return found

    @cached_property
    def chunks(self) -> Chunks:
        return tuple([tuple(self.label_sizes[label]) for label in self.out])

    @cached_property
    def meta(self) -> Any:
        if self.like is not None:
            return self.like
        return meta_of(self.function, self.arguments, self.keywords, len(self.out))

    def layer(self, *inputs: Layer) -> Layer:
        layers = iter(inputs)
        operands = [
            (next(layers) if isinstance(value, Expression) else value, pattern) for value, pattern in self.arguments
        ]
        counts = {label: len(self.label_sizes[label]) for label in self.out} | (self.counts or {})
        return blocks.blockwise(self.function, self.out, *operands, name=self.name, sizes=counts, **self.keywords)


class Elementwise(Blockwise):
    """A Blockwise whose function works element by element, with broadcasting: what a slice can go through."""


def labels_of(ndim: int) -> Pattern:
    """Labels of the axes of an operand that is broadcast: the last axis is 0, as broadcasting counts."""
    return tuple(range(ndim - 1, -1, -1))
