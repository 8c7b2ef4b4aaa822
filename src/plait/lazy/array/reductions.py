"""Reductions: axes of arrays made one, by blocks and then by a tree of partial results (see `kinds`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, partial
from itertools import accumulate, product
from numbers import Integral
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.kinds import Arg, Chunk, Folded, Kind, Top
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Blocks, Layer, PerBlock
from plait.lazy.blocks.trees import tree

WIDTH = 16  # partial results that are combined at a time


class Reduction(ArrayExpression):
    """`array` reduced along `axis`, a tuple. kind: what is done; options: keywords of its steps. width: how many
    partial results are combined at a time. length: of the axes in the result, 1, or of several for kinds that keep as
    many.
    """

    parameters = ("array", "kind", "axis", "keepdims", "width", "options", "result", "length")
    defaults = {"width": WIDTH, "options": {}, "result": None, "length": 1}
    label = "reduction"

    @property
    def prefix(self) -> str:
        kind = self.kind
        return str(getattr(kind, "function", None) or type(kind).__name__.lower())

    @cached_property
    def chunks(self) -> Chunks:
        found = []
        for axis, sizes in enumerate(self.array.chunks):
            if axis not in self.axis:
                found.append(sizes)
            elif self.keepdims:
                found.append((self.length,))
        return tuple(found)

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, len(self.chunks), self.result)

    def layer(self, *inputs: Layer) -> Layer:
        array, kind = self.array, self.kind
        labels = tuple(range(array.ndim))
        operands: list[Any] = [(inputs[0], labels)]
        chunk: Any = Chunk(kind, self.axis, self.options)
        if isinstance(kind, Arg) or (isinstance(kind, Top) and kind.places):
            operands.append((PerBlock(_Starts(array.chunks)), labels))
            chunk = partial(_placed, kind, self.axis)
        partials = blocks.blockwise(chunk, labels, *operands, name=f"{self.name}-chunk")
        options = {**self.options, "axis": self.axis}
        combine = partial(_combined, kind, options)
        finish = partial(_finished, kind, options, () if self.keepdims else self.axis, self.result)
        return blocks.made(
            _tree, [partials], self.numblocks, self.name, self.axis, self.keepdims, combine, finish, self.width
        )


def _placed(kind: Kind, axis: tuple[int, ...], block: Any, place: Any) -> Any:
    return kind.chunk(block, axis, place=place)


class _Starts:
    """Where a block begins, and the shape of the array."""

    def __init__(self, chunks: Chunks) -> None:
        self._starts = [[0, *accumulate(sizes)] for sizes in chunks]

    def __call__(self, index: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        starts = tuple([along[i] for along, i in zip(self._starts, index, strict=True)])
        return starts, tuple([along[-1] for along in self._starts])


def _combined(kind: Kind, options: dict[str, Any], parts: list[Any]) -> Any:
    if kind.nests:
        return kind.combine(parts, **options)
    kept = [part for part in parts if part is not None]
    return kind.combine(kept, **options) if len(kept) > 1 else kept[0] if kept else None


def _finished(kind: Kind, options: dict[str, Any], squeezed: tuple[int, ...], dtype: Any, parts: list[Any]) -> Any:
    if kind.nests:
        return _shaped(kind.finish(parts, **options), squeezed, dtype)
    kept = kind.of(parts)
    found = kind.finish(kept[0] if len(kept) == 1 else kind.combine(kept, **options), **options)
    return _shaped(found, squeezed, dtype)


def _shaped(found: Any, squeezed: tuple[int, ...], dtype: Any) -> Any:
    if squeezed:
        found = np.squeeze(found, axis=squeezed) if found.ndim == len(squeezed) or hasattr(found, "squeeze") else found
    if dtype is not None and getattr(found, "dtype", dtype) != dtype:
        found = found.astype(dtype)
    return found[()] if isinstance(found, np.ndarray) and found.ndim == 0 else found


def _tree(
    keys: Sequence[Any], partials: Blocks, axis: tuple[int, ...], keepdims: bool, combine: Any, finish: Any, width: Any
) -> list[Any]:
    counts = partials.numblocks
    kept = [range(1) if i in axis else range(count) for i, count in enumerate(counts)]
    over = [range(count) if i in axis else None for i, count in enumerate(counts)]
    nodes = []
    if isinstance(width, tuple):
        return [
            _nested_tree(partials, index, axis, combine, finish, key, width)
            for key, index in zip(keys, product(*kept), strict=True)
        ]
    for key, index in zip(keys, product(*kept), strict=True):
        along = [range(i, i + 1) if each is None else each for i, each in zip(index, over, strict=True)]
        group = [partials[place] for place in product(*along)]
        nodes.append(tree(group, combine, finish, key, width))
    return nodes


def _nested_tree(
    partials: Blocks,
    index: tuple[int, ...],
    axis: tuple[int, ...],
    combine: Any,
    finish: Any,
    key: Any,
    widths: tuple[int, ...],
) -> Any:
    """A node for one place of the result; combine and finish get nested lists, a level an axis."""
    name, *rest = key
    counts = [partials.numblocks[each] for each in axis]
    place = dict(zip(axis, range(len(axis)), strict=True))
    grid = {
        along: partials[tuple([along[place[i]] if i in place else index[i] for i in range(len(index))])]
        for along in product(*map(range, counts))
    }
    level = 0
    while any(count > width for count, width in zip(counts, widths, strict=True)):
        fewer = [-(-count // width) for count, width in zip(counts, widths, strict=True)]
        grid = {
            along: make(
                combine,
                (_group(grid, along, counts, widths),),
                None,
                None,
                None,
                (f"{name}-combine-{level}", *rest, *along),
            )
            for along in product(*map(range, fewer))
        }
        counts, level = fewer, level + 1
    return make(finish, (_group(grid, (0,) * len(axis), counts, counts),), None, None, None, key)


def _group(
    grid: Any, along: tuple[int, ...], counts: Sequence[int], widths: Sequence[int], before: tuple[int, ...] = ()
) -> Any:
    """The nodes of one group as nested lists."""
    level = len(before)
    if level == len(counts):
        return grid[before]
    start = along[level] * widths[level]
    stop = min(start + widths[level], counts[level])
    return [_group(grid, along, counts, widths, (*before, i)) for i in range(start, stop)]


def widths_of(split_every: Any, axis: tuple[int, ...]) -> tuple[int, ...]:
    """How many partial results are combined along each axis at a time."""
    if isinstance(split_every, dict):
        return tuple([max(int(split_every.get(each, 2)), 2) for each in axis])
    width = max(int(width_of(split_every, axis) ** (1 / max(len(axis), 1))), 2)
    return (width,) * len(axis)


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes as a tuple of numbers that are not negative, rising. Raises AxisError for one that there is not."""
    if axis is None:
        return tuple(range(ndim))
    given = (axis,) if isinstance(axis, Integral) else tuple(axis)
    for each in given:
        if not -ndim <= each < ndim:
            raise np.exceptions.AxisError(int(each), ndim)
    found = tuple(sorted(each % ndim for each in given))
    if len(set(found)) != len(found):
        raise ValueError(f"duplicate value in 'axis': {axis}")
    return found


def width_of(split_every: Any, axis: tuple[int, ...]) -> int:
    """How many partial results are combined at a time: split_every is a number, or a dict by axis."""
    if split_every is None:
        return WIDTH
    if isinstance(split_every, dict):
        return max(math.prod([split_every.get(each, 2) for each in axis]), 2)
    if not isinstance(split_every, Integral):
        raise ValueError(f"split_every must be a int or a dict, got {split_every!r}")
    return max(int(split_every), 2)


def reduced(
    array: ArrayExpression, kind: Kind, axis: Any, keepdims: bool, split_every: Any, result: Any = None, **options: Any
) -> ArrayExpression:
    """An array reduced. result: the dtype; found from a sample where it is not given."""
    axes = axes_of(axis, array.ndim)
    if result is None:
        result = _sample_dtype(array, kind, axes, options)
    return Reduction(array, kind, axes, bool(keepdims), width_of(split_every, axes), options, np.dtype(result))


def _sample_dtype(array: ArrayExpression, kind: Kind, axes: tuple[int, ...], options: dict[str, Any]) -> Any:
    sample = np.ones((1,) * array.ndim, dtype=array.dtype)
    part = kind.combine([kind.chunk(sample, axes, **options)], axis=axes, **options)
    return np.asarray(kind.finish(part, axis=axes, **options)).dtype


SUM, PROD = Folded("sum", "add"), Folded("prod", "multiply")
NANSUM, NANPROD = Folded("nansum", "add"), Folded("nanprod", "multiply")
ANY, ALL = Folded("any", "logical_or"), Folded("all", "logical_and")
MIN, MAX = Folded("min", "minimum", has_identity=False), Folded("max", "maximum", has_identity=False)
NANMIN, NANMAX = Folded("nanmin", "fmin", has_identity=False), Folded("nanmax", "fmax", has_identity=False)
