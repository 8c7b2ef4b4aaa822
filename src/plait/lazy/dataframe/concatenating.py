"""Concat: frames below each other, partition after partition, or beside each other, by their index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make as node
from plait.lazy.blocks import Layer
from plait.lazy.dataframe.aligning import repartitioned, united
from plait.lazy.dataframe.expression import AXIS, FrameExpression, Partitionwise, unknown
from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES, empty_of, meta_nonempty
from plait.lazy.dataframe.stacking import beside, beside_by_rows, conformed, stacked
from plait.lazy.expressions.wrapping import Wrapped


class Concat(FrameExpression):
    """Frames below each other.

    join: which columns, "outer" for all, or "inner". interleave: where divisions are known and overlap, rows are put
    together by these; else partitions follow each other. ignore_order: ordered categoricals become unordered ones.
    """

    parameters = ("frames", "join", "interleave", "ignore_order", "keywords")
    defaults = {"join": "outer", "interleave": False, "ignore_order": False, "keywords": {}}

    @cached_property
    def meta(self) -> Any:
        metas = [each.meta for each in self.frames]
        filled = [meta_nonempty(each) for each in metas if each.ndim < 2 or len(each.columns)] or metas[:1]
        return empty_of(stacked(filled, self.join, self.ignore_order, **self.keywords))

    @cached_property
    def _known(self) -> bool:
        return all(each.known_divisions for each in self.frames)

    @cached_property
    def _follow(self) -> bool:
        """Whether each frame's index values are above those of the one before."""
        return self._known and all(bool(one.divisions[-1] < other.divisions[0]) for one, other in pairwise(self.frames))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        frames = self.frames
        if self._follow:
            return (*[bound for each in frames[:-1] for bound in each.divisions[:-1]], *frames[-1].divisions)
        if self._known and self.interleave:
            return united([each.divisions for each in frames])
        return unknown(sum(each.npartitions for each in frames))

    def layer(self, *inputs: Layer) -> Layer:
        if self._known and self.interleave and not self._follow:
            return self._interleaved(inputs)
        meta = _known_categories(self.meta)
        shapes = [None if _is_like(each.meta, self.meta) else Wrapped(meta) for each in self.frames]
        return blocks.made(
            _followed, inputs, self.numblocks, self.name, shapes, self.join, self.ignore_order, Wrapped(self.keywords)
        )

    def _interleaved(self, inputs: Sequence[Layer]) -> Layer:
        layers = by_divisions(self.frames, inputs, self.divisions)
        function = partial(_stacked, self.join, self.ignore_order, self.keywords)
        return blocks.blockwise(function, AXIS, *[(layer, AXIS) for layer in layers], name=self.name)


def by_divisions(frames: Sequence[FrameExpression], inputs: Sequence[Layer], bounds: tuple[Any, ...]) -> list[Layer]:
    """The layers of frames, with the same divisions."""
    wanted = [repartitioned(each, bounds) for each in frames]
    return [layer if new is old else new.layer(layer) for new, old, layer in zip(wanted, frames, inputs, strict=True)]


def _is_like(one: Any, other: Any) -> bool:
    """Whether partitions of one meta can stand for those of another."""
    if type(one) is not type(other):
        return False
    if one.ndim == 1:
        return bool(one.dtype == other.dtype and one.name == other.name)
    return bool(one.columns.equals(other.columns) and (one.dtypes == other.dtypes).all())


def _known_categories(meta: Any) -> Any:
    """The meta without categories that stand for unknown ones."""
    if meta.ndim == 1:
        return _stripped(meta) if not isinstance(meta, pd.Index) else meta
    for label in [label for label, dtype in meta.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]:
        meta = meta.copy(deep=False)
        meta[label] = _stripped(meta[label])
    return meta


def _stripped(series: Any) -> Any:
    if not isinstance(series.dtype, pd.CategoricalDtype) or UNKNOWN_CATEGORIES not in series.cat.categories:
        return series
    return series.cat.set_categories(series.cat.categories[:0])


def _followed(keys: Sequence[Any], *operands: Any) -> list[Any]:
    *layers, shapes, join, ignore_order, keywords = operands
    parts = [(part, shape) for layer, shape in zip(layers, shapes, strict=True) for part in layer.nodes]
    return [
        node(_conformed, (part, shape, join, ignore_order, keywords), None, None, None, key)
        for key, (part, shape) in zip(keys, parts, strict=True)
    ]


def _conformed(part: Any, shape: Wrapped | None, join: str, ignore_order: bool, keywords: Wrapped) -> Any:
    return part if shape is None else conformed(part, shape.held, join, ignore_order, keywords.held)


def _stacked(join: str, ignore_order: bool, keywords: dict[str, Any], *parts: Any) -> Any:
    return stacked(parts, join, ignore_order, **keywords)


class ConcatColumns(FrameExpression):
    """Frames beside each other. by_rows: their divisions are unknown, and taken for the same."""

    parameters = ("frames", "join", "by_rows", "keywords")
    defaults = {"join": "outer", "by_rows": False, "keywords": {}}
    label = "concat"

    @cached_property
    def meta(self) -> Any:
        return empty_of(beside([each.meta for each in self.frames], self.join, **self.keywords))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        frames = self.frames
        if self.by_rows or all(each.divisions == frames[0].divisions for each in frames):
            return tuple(frames[0].divisions)
        bounds = united([each.divisions for each in frames])
        return (bounds[0], bounds[-1]) if all(each.npartitions == 1 for each in frames) else bounds

    def layer(self, *inputs: Layer) -> Layer:
        layers = list(inputs) if self.by_rows else by_divisions(self.frames, inputs, self.divisions)
        function = partial(_beside_by_rows if self.by_rows else _beside, self.join, self.keywords)
        return blocks.blockwise(function, AXIS, *[(layer, AXIS) for layer in layers], name=self.name)


def _beside(join: str, keywords: dict[str, Any], *parts: Any) -> Any:
    return beside(parts, join, **keywords)


def _beside_by_rows(join: str, keywords: dict[str, Any], *parts: Any) -> Any:
    return beside_by_rows(parts, join, **keywords)


def origins(expression: Any) -> set[str]:
    """The names of what an expression is made of row by row: frames with the same ones have the same index."""
    found: set[str] = set()
    pending, seen = [expression], set()
    while pending:
        each = pending.pop()
        if each.name in seen:
            continue
        seen.add(each.name)
        if isinstance(each, Partitionwise) and each.keeps_index and each.is_elementwise:
            pending.extend(other for other in each.inputs if other.npartitions == each.npartitions)
        else:
            found.add(each.name)
    return found
