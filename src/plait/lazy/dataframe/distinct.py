"""Distinct rows and values: each partition's first, then those of all that a shuffle, or a tree, brings together.

A shuffle keeps the order of rows with equal keys, so the first, or the last, of all is the one that stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.blocks.trees import tree
from plait.lazy.dataframe.exchanging import exchanged
from plait.lazy.dataframe.expression import AXIS, FrameExpression, Together, unknown
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.dataframe.shuffling import by_labels


class DropDuplicates(FrameExpression):
    """The distinct rows of a frame, values of a series or an index.

    subset: labels that are compared; () for all. keep: "first" or "last". count: how many partitions; one is a tree of
    split_every at a time. fresh: whether rows are numbered anew.
    """

    parameters = ("frame", "subset", "keep", "fresh", "count", "split_every", "method")
    defaults = {"subset": (), "keep": "first", "fresh": False, "count": 1, "split_every": None, "method": None}
    label = "drop_duplicates"

    @cached_property
    def meta(self) -> Any:
        return empty_of(self._distinct(self.frame.meta))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(self.count)

    @property
    def _labels(self) -> tuple[Any, ...]:
        """What is compared; () for a series or an index."""
        return self.subset or (tuple(self.frame.columns) if self.frame.ndim == 2 else ())

    @property
    def _stays(self) -> bool:
        """Whether rows that are equal are in one partition already."""
        known = self.frame.together
        return self.count == self.frame.npartitions and any(set(self._labels).issuperset(labels) for labels in known)

    @cached_property
    def together(self) -> Together:
        if self._stays:
            return dict(self.frame.together)
        return {self._labels: self.count} if self._labels else {}

    @property
    def _distinct(self) -> Any:
        return partial(distinct, self.subset, self.keep, self.fresh)

    def layer(self, *inputs: Layer) -> Layer:
        first = partial(distinct, self.subset, self.keep, False)
        if self.count == 1:
            return blocks.made(_by_tree, inputs, (1,), self.name, first, self._distinct, self.split_every)
        if self._stays:
            return blocks.blockwise(self._distinct, AXIS, (inputs[0], AXIS), name=self.name)
        once = blocks.blockwise(first, AXIS, (inputs[0], AXIS), name=f"{self.name}-chunk")
        placing = partial(by_labels, self._labels, self.count)
        together = exchanged(once, placing, self.count, f"{self.name}-shuffle", method=self.method)
        return blocks.blockwise(self._distinct, AXIS, (together, AXIS), name=self.name)


def distinct(subset: tuple[Any, ...], keep: Any, fresh: bool, part: Any) -> Any:
    """The distinct rows of a pandas object."""
    if isinstance(part, pd.DataFrame):
        return part.drop_duplicates(subset=list(subset) or None, keep=keep, ignore_index=fresh)
    return part.drop_duplicates(keep=keep) if isinstance(part, pd.Index) else _of_series(part, keep, fresh)


def _of_series(part: Any, keep: Any, fresh: bool) -> Any:
    return part.drop_duplicates(keep=keep, ignore_index=fresh)


def _by_tree(keys: Sequence[Any], frame: Blocks, chunk: Any, last: Any, split_every: Any) -> list[Any]:
    once = partial(_of_several, chunk)
    return [tree(frame.nodes, once, partial(_of_several, last), keys[0], split_every or 8)]


def _of_several(function: Any, parts: list[Any]) -> Any:
    return function(concatenated([function(part) for part in parts] if len(parts) > 1 else parts))
