"""Reductions: many rows to few, a partition first and then a tree of partitions.

A class says what is done in three steps, static methods that take its options: `chunk` of each partition, `combine` of
a list of what those gave, which may be repeated, and `aggregate` of the last list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.blocks.trees import tree
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.metas import empty_of, meta_nonempty


class Reduction(FrameExpression):
    """frame reduced to one partition. options: keywords of the steps; split_every: how many are combined at a time,
    False for all at once.
    """

    parameters: ClassVar[tuple[str, ...]] = ("frame", "options", "split_every")
    defaults = {"options": {}, "split_every": None}
    width: ClassVar[int] = 8

    chunk: Callable[..., Any]
    combine: Callable[..., Any]
    aggregate: Callable[..., Any]

    @cached_property
    def meta(self) -> Any:
        return empty_of(self.whole(meta_nonempty(self.frame.meta)))

    def whole(self, frame: Any) -> Any:
        """The reduction of a frame that is in one piece."""
        chunk, _, aggregate = self.steps
        return aggregate([chunk(frame)])

    @property
    def steps(self) -> tuple[Callable[[Any], Any], Callable[[list[Any]], Any], Callable[[list[Any]], Any]]:
        """chunk, combine and aggregate, with the options."""
        kind, options = type(self), self.options
        functions = kind.chunk, kind.combine, kind.aggregate
        return tuple([partial(each, **options) for each in functions]) if options else functions  # type: ignore[return-value]

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        if self.frame.ndim == 2 and isinstance(self.meta, pd.Series) and len(self.frame.columns):
            try:  # by the columns, which are its index
                return min(self.frame.columns), max(self.frame.columns)
            except TypeError:
                pass
        return (None, None)

    def layer(self, *inputs: Layer) -> Layer:
        chunk, combine, aggregate = self.steps
        chunks = blocks.blockwise(chunk, AXIS, (inputs[0], AXIS), name=f"{self.name}-chunk")
        width = self.width if self.split_every is None else self.split_every
        return blocks.made(_tree, [chunks], (1,), self.name, combine, aggregate, width or None)


def _tree(keys: Sequence[Any], chunks: Blocks, combine: Any, aggregate: Any, width: int | None) -> list[Any]:
    return [tree(chunks.nodes, combine, aggregate, keys[0], width)]


class UserReduction(Reduction):
    """A reduction of a user's functions: of a partition, and of the concatenation of what those gave, twice.

    functions, keywords: of the three steps. like: Wrapped meta, or None.
    """

    parameters: ClassVar[tuple[str, ...]] = ("frame", "functions", "keywords", "like", "split_every")
    label = "reduction"

    @cached_property
    def meta(self) -> Any:
        return self.like.held if self.like is not None else empty_of(self.whole(meta_nonempty(self.frame.meta)))

    @property
    def steps(self) -> Any:
        chunk, combine, aggregate = [
            partial(each, **keywords) for each, keywords in zip(self.functions, self.keywords, strict=True)
        ]
        return chunk, partial(_of_joined, combine), partial(_of_joined, aggregate)

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return (None, None)


def _of_joined(function: Callable[[Any], Any], parts: list[Any]) -> Any:
    return function(concatenated(parts))
