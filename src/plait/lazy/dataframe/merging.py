"""Merge: two frames joined by columns or by their index.

How that is done follows from the partitions of both, when it is lowered:

    single     one side is a single partition, and none of its rows need to be kept for themselves: it goes with each
               partition of the other
    indexed    both sides are joined by an index whose divisions are known: they get the same divisions
    broadcast  one side has few partitions: they are made one, which goes with each of the other
    hash       both are shuffled by their keys
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from plait.lazy import blocks
from plait.lazy._native.nodes import make as node
from plait.lazy.blocks import Layer
from plait.lazy.blocks.layers import Blocks
from plait.lazy.dataframe.aligning import repartitioned, united
from plait.lazy.dataframe.expression import AXIS, FrameExpression, Together, unknown
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.merging_partitions import merged
from plait.lazy.dataframe.metas import empty_of, meta_nonempty
from plait.lazy.dataframe.shuffling import Shuffle
from plait.lazy.expressions.wrapping import Wrapped

_BROADCAST_BIAS = 0.5


class Merge(FrameExpression):
    """See the module.

    left_on, right_on: tuples of labels, of columns or levels of the index; left_index, right_index: join by the index.
    how: also "leftsemi", the rows of the left side that have a match. suffixes, indicator: pandas'. method: of
    shuffles. count: how many partitions a shuffle makes; None for the larger number of both. broadcast: True, False, or
    a bias: one side may have up to bias * log2(partitions of the other).
    """

    parameters = (
        "left",
        "right",
        "how",
        "left_on",
        "right_on",
        "left_index",
        "right_index",
        "suffixes",
        "indicator",
        "method",
        "count",
        "broadcast",
    )
    defaults = {
        "how": "inner",
        "left_on": (),
        "right_on": (),
        "left_index": False,
        "right_index": False,
        "suffixes": ("_x", "_y"),
        "indicator": False,
        "method": None,
        "count": None,
        "broadcast": None,
    }

    @cached_property
    def keywords(self) -> dict[str, Any]:
        """Those of pandas.merge()."""
        return {
            "how": self.how,
            "left_on": list(self.left_on) or None,
            "right_on": list(self.right_on) or None,
            "left_index": self.left_index,
            "right_index": self.right_index,
            "suffixes": self.suffixes,
            "indicator": self.indicator,
        }

    @cached_property
    def meta(self) -> Any:
        left, right = self.left.meta, self.right.meta
        try:
            return empty_of(merged(meta_nonempty(left), meta_nonempty(right), None, self.keywords))
        except ValueError:  # made-up values do not fit together; or the keys do not, which this says again
            return empty_of(merged(left, right, None, self.keywords))

    @cached_property
    def strategy(self) -> str:
        """See the module."""
        if self._single_left or self._single_right:
            return "single"
        if self._sorted_left and self._sorted_right:
            return "indexed"
        return "broadcast" if self._broadcasts else "hash"

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        most = max(self.left.npartitions, self.right.npartitions)
        if self.strategy == "single":
            return self._divisions_of_single()
        if self.strategy == "indexed":
            return united([self.left.divisions, self.right.divisions])
        if self.strategy == "hash":
            return unknown(self.count or most)
        kept = self.right if self._small == "left" else self.left
        by_index = self.left_index and self.right_index
        return tuple(kept.divisions) if by_index else unknown(kept.npartitions)

    @cached_property
    def together(self) -> Together:
        if self.strategy in ("single", "broadcast"):
            kept, other = (self.right, self.left) if self._small == "left" else (self.left, self.right)
            own = set(kept.columns) - (set(other.columns) - set(self.left_on) & set(self.right_on))
            return {labels: count for labels, count in kept.together.items() if own.issuperset(labels)}
        keys = {"left": [self.left_on], "right": [self.right_on], "inner": [self.left_on, self.right_on]}
        keys["leftsemi"] = keys["left"]
        keys["outer"] = keys["left"] if self.left_on == self.right_on else []  # else a key may be missing anywhere
        return {labels: self.npartitions for labels in keys[self.how] if labels} if self.strategy == "hash" else {}

    def _divisions_of_single(self) -> tuple[Any, ...]:
        left, right = self.left, self.right
        if left.npartitions == 1 and self.how in ("right", "inner") and self._keeps_index(self.left_index):
            return tuple(right.divisions)
        if right.npartitions == 1 and self.how in ("left", "inner") and self._keeps_index(self.right_index):
            return tuple(left.divisions)
        if left.npartitions == right.npartitions == 1 and self._sorted_left and self._sorted_right:
            both = united([left.divisions, right.divisions])
            return both[0], both[-1]
        return unknown(max(left.npartitions, right.npartitions))

    def _keeps_index(self, by_index: bool) -> bool:
        """Whether the index of the side that is not joined by index is that of the result."""
        return by_index or self._by_levels

    @cached_property
    def _by_levels(self) -> bool:
        """Whether a level of both indexes, named alike, is among the keys; then it is the result's index."""
        name = self.left.meta.index.name
        pairs = zip(self.left_on, self.right_on, strict=False)
        return name is not None and name == self.right.meta.index.name and (name, name) in pairs

    @cached_property
    def _sorted_left(self) -> bool:
        return (self.left_index or self._by_levels) and self.left.known_divisions

    @cached_property
    def _sorted_right(self) -> bool:
        return (self.right_index or self._by_levels) and self.right.known_divisions

    @property
    def _npartitions(self) -> int:
        """dask's name for `npartitions`."""
        return self.npartitions

    @property
    def _single_left(self) -> bool:
        return self.left.npartitions == 1 and (self.right.npartitions == 1 or self.how in ("right", "inner"))

    @property
    def _single_right(self) -> bool:
        return self.right.npartitions == 1 and (self.left.npartitions == 1 or self.how in ("left", "inner", "leftsemi"))

    @property
    def _small(self) -> str:
        return "left" if self.left.npartitions < self.right.npartitions else "right"

    @property
    def _broadcasts(self) -> bool:
        kept = {"left": ("right", "inner"), "right": ("left", "inner", "leftsemi")}[self._small]
        if self.broadcast is False or self.how not in kept or self.count is not None:
            return False
        bias = self.broadcast if isinstance(self.broadcast, float) else _BROADCAST_BIAS
        few, many = sorted((self.left.npartitions, self.right.npartitions))
        return self.broadcast is True or few < math.log2(many) * bias

    def describe(self) -> str:
        return f"{super().describe()}: {self.strategy}"

    def layer(self, *inputs: Layer) -> Layer:
        left, right = inputs
        if self.strategy == "indexed":
            left, right = self._divided(left, right)
        elif self.strategy == "hash":
            left = self._shuffled(self.left, left, None if self.left_index else self.left_on)
            right = self._shuffled(self.right, right, None if self.right_index else self.right_on)
        elif self.strategy == "broadcast":
            left, right = (_one(left), right) if self._small == "left" else (left, _one(right))
        operands = ((left, AXIS), (right, AXIS), (Wrapped(self.meta), None), (Wrapped(self.keywords), None))
        return blocks.blockwise(_merged, AXIS, *operands, name=self.name)

    def _divided(self, *inputs: Layer) -> list[Layer]:
        both = [(frame, repartitioned(frame, self.divisions)) for frame in (self.left, self.right)]
        return [layer if new is old else new.layer(layer) for (old, new), layer in zip(both, inputs, strict=True)]

    def _shuffled(self, frame: FrameExpression, layer: Layer, by: Any) -> Layer:
        if by is not None and frame.npartitions == frame.together.get(by) == self.npartitions:
            return layer  # its rows are where they would go
        return Shuffle(frame, by, self.npartitions, False, self.method).layer(layer)


def _one(layer: Layer) -> Layer:
    """A layer of one partition that has all."""
    return blocks.made(_whole, [layer], (1,), f"{layer.name}-whole")


def _whole(keys: list[Any], frame: Blocks) -> list[Any]:
    return [node(concatenated, (list(frame.nodes),), None, None, None, keys[0])]


def _merged(left: Any, right: Any, meta: Wrapped, keywords: Wrapped) -> Any:
    return merged(left, right, meta.held, keywords.held)
