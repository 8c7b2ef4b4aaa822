"""Sorting: rows in the order of columns, or by a new index, over all partitions.

Values that cut the data into partitions of equal length (see `sampling`) say where each row goes; then each partition
is sorted by itself. For sort_values these values are part of the graph. A new index has divisions, which are asked for
before anything is computed: the sample is taken when they are, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make as node
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.computing import compute
from plait.lazy.dataframe.exchanging import exchanged
from plait.lazy.dataframe.expression import AXIS, FrameExpression, Partitionwise, unknown
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.dataframe.sampling import Summary, are_sorted, bounds, places_between, steps_for, summary
from plait.lazy.expressions.plans import plan


class SortValues(FrameExpression):
    """The rows of a frame by columns.

    by: labels; ascending: a bool for each; na_position: "first" or "last"; count: of the partitions. function: sorts a
    partition instead of pandas' sort_values, with `keywords` besides.
    """

    parameters = (
        "frame",
        "by",
        "ascending",
        "na_position",
        "count",
        "ignore_index",
        "function",
        "keywords",
        "upsample",
        "method",
        "branch",
    )
    defaults = {
        "na_position": "last",
        "ignore_index": False,
        "function": None,
        "keywords": {},
        "upsample": 1.0,
        "method": None,
        "branch": None,
    }
    label = "sort_values"

    @cached_property
    def meta(self) -> Any:
        meta = self.frame.meta
        return empty_of(meta.reset_index(drop=True)) if self.ignore_index else meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(self.count)

    def layer(self, *inputs: Layer) -> Layer:
        frame = inputs[0]
        if max(self.count, self.frame.npartitions) > 1:
            frame = self._exchanged(frame)
        return blocks.blockwise(self._sorter, AXIS, (frame, AXIS), name=self.name)

    def _exchanged(self, frame: Layer) -> Layer:
        count, first = self.count, self.by[0]
        steps = steps_for(self.frame.npartitions, count, self.upsample)
        cuts = blocks.made(_cuts, [frame], (1,), f"{self.name}-cuts", first, steps, count)
        placing = partial(_by_column, first, count, not self.ascending[0], self.na_position == "first")
        return exchanged(frame, placing, count, f"{self.name}-shuffle", by=cuts, method=self.method, branch=self.branch)

    @cached_property
    def _sorter(self) -> Callable[[Any], Any]:
        keywords = {
            "by": list(self.by),
            "ascending": self.ascending[0] if len(set(self.ascending)) == 1 else list(self.ascending),
            "na_position": self.na_position,
            "ignore_index": self.ignore_index,
            **self.keywords,
        }
        if self.function is None:
            return partial(pd.DataFrame.sort_values, **{"kind": "stable", **keywords})
        return partial(self.function, **keywords)


def _cuts(keys: Sequence[Any], frame: Blocks, label: Any, steps: int, count: int) -> list[Any]:
    """One node: the bounds between partitions, without the first and the last."""
    name = keys[0][0]
    samples = [
        node(_summary_of, (part, label, steps), None, None, None, (f"{name}-sample", place))
        for place, part in enumerate(frame.nodes)
    ]
    return [node(_inner_bounds, (samples, count), None, None, None, keys[0])]


def _summary_of(frame: Any, label: Any, steps: int) -> Summary:
    return summary(frame[label], steps)


def _inner_bounds(summaries: list[Summary], count: int) -> list[Any]:
    if len(summaries) == count and are_sorted(summaries):
        return [each.low for each in summaries[1:]]  # no row moves
    return bounds(summaries, count)[1:-1]


def _by_column(label: Any, count: int, descending: bool, first: bool, frame: Any, inner: list[Any]) -> Any:
    return places_between(frame[label], inner, count, descending, first)


class Once:
    """What is computed of data once, and kept by all copies of an expression."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: Any = None

    def get(self, compute_it: Callable[[], Any]) -> Any:
        """What was found, or is now."""
        if self.found is None:
            self.found = compute_it()
        return self.found

    def __dask_tokenize__(self) -> Any:
        return "Once"


class SetIndex(FrameExpression):
    """A frame by a new index, sorted.

    other: the label of a column, or an aligned series or index. drop, append: pandas'. bounds: divisions, or None:
    they are found. count: how many partitions, at most; None for as many as there are. kept: Once.
    """

    parameters = ("frame", "other", "drop", "bounds", "count", "upsample", "method", "branch", "append", "kept")
    defaults = {
        "drop": True,
        "bounds": None,
        "count": None,
        "upsample": 1.0,
        "method": None,
        "branch": None,
        "append": False,
    }
    label = "set_index"

    @cached_property
    def meta(self) -> Any:
        other = self.other.meta if isinstance(self.other, FrameExpression) else self.other
        return empty_of(self.frame.meta.set_index(other, drop=self.drop, append=self.append))

    @property
    def wanted(self) -> int:
        """How many partitions are asked for."""
        return int(self.count or self.frame.npartitions)

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        if self.bounds is not None:
            return tuple(self.bounds)
        if self.wanted == 1:
            return (None, None)
        if self._is_given:
            return tuple(self.other.divisions)
        return tuple(self._found[0])

    @property
    def _is_given(self) -> bool:
        """Whether it is by another index, whose divisions are known."""
        other = self.other
        return (
            isinstance(other, FrameExpression)
            and isinstance(other.meta, pd.Index)
            and other.known_divisions
            and other.npartitions == self.frame.npartitions
        )

    @property
    def _found(self) -> tuple[Sequence[Any], bool]:
        """Divisions of the data, and whether the partitions are sorted as they are."""
        found: tuple[Sequence[Any], bool] = self.kept.get(self._compute)
        return found

    def _compute(self) -> tuple[Sequence[Any], bool]:
        steps = steps_for(self.frame.npartitions, self.wanted, self.upsample)
        other = self.other if isinstance(self.other, FrameExpression) else self.frame
        label = None if isinstance(self.other, FrameExpression) else self.other
        summaries = summaries_of(other, label, steps)
        check_missing(summaries, other, label)
        if are_sorted(summaries) and self.wanted == self.frame.npartitions:
            return [*[each.low for each in summaries], summaries[-1].high], True
        return bounds(summaries, self.wanted) or (None, None), False

    def layer(self, *inputs: Layer) -> Layer:
        other = inputs[1] if isinstance(self.other, FrameExpression) else self.other
        operands = ((inputs[0], AXIS), (other, AXIS if isinstance(other, Layer) else None))
        options = {"drop": self.drop, "append": self.append}
        frame: Layer = blocks.blockwise(_indexed, AXIS, *operands, name=f"{self.name}-indexed", **options)
        if not self._stays:
            placing = partial(_by_index, tuple(self.divisions[1:-1]), self.npartitions)
            frame = exchanged(
                frame, placing, self.npartitions, f"{self.name}-shuffle", method=self.method, branch=self.branch
            )
        return blocks.blockwise(_sorted_by_index, AXIS, (frame, AXIS), name=self.name)

    @property
    def _stays(self) -> bool:
        """Whether each row is in its partition already."""
        if self.npartitions == self.frame.npartitions == 1:
            return True
        if self.bounds is not None or self.wanted == 1:
            return False
        return self._is_given or bool(self._found[1])


def summaries_of(frame: FrameExpression, label: Any, steps: int) -> list[Summary]:
    """Summaries of all partitions, computed now: of a series or an index, or of a column. Raises NotImplementedError
    where missing values are among text.
    """
    values = Sample(frame, label, steps)
    try:
        found: list[Summary] = compute(plan(values))[0]
    except TypeError as error:
        raise _unsortable(frame, label) from error
    return found


def check_missing(summaries: Sequence[Summary], frame: FrameExpression, label: Any) -> None:
    """Raises NotImplementedError where missing values are among others than numbers or times."""
    dtype = next((each.sample.dtype for each in summaries), None)
    if any(each.missing for each in summaries) and getattr(dtype, "kind", "O") not in "iufbmM":
        raise _unsortable(frame, label)


def _unsortable(frame: FrameExpression, label: Any) -> NotImplementedError:
    name = getattr(frame.meta, "name", None) if label is None else label
    kind, remedy = (
        ("series", "`.loc[series[~series.isna()]]`") if label is None else ("column", f"`.dropna(subset=[{name!r}])`")
    )
    return NotImplementedError(
        f"Divisions calculation failed for non-numeric {kind} {name!r}.\n"
        "This is probably due to the presence of nulls, which Dask does not entirely support in the index.\n"
        f"We suggest you try with {remedy}."
    )


class Sample(Partitionwise):
    """The summary of each partition of a series, an index, or a column."""

    parameters = ("frame", "column", "steps")
    keeps_index = False
    is_elementwise = False

    @cached_property
    def meta(self) -> Any:
        return None

    @staticmethod
    def operation(frame: Any, column: Any, steps: int) -> Summary:
        return summary(frame if column is None else frame[column], steps)


def _indexed(frame: Any, other: Any, drop: bool, append: bool) -> Any:
    return frame.set_index(other, drop=drop, append=append)


def _by_index(inner: tuple[Any, ...], count: int, frame: Any) -> Any:
    return places_between(frame.index, inner, count, descending=False, first=False)


def _sorted_by_index(frame: Any) -> Any:
    return frame.sort_index(kind="stable")


class SetIndexHere(Partitionwise):
    """Each partition by a new index, its rows as they are. bounds: divisions, or None for unknown ones."""

    parameters = ("frame", "other", "drop", "append", "bounds")
    defaults = {"drop": True, "append": False, "bounds": None}
    label = "set_index"

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(self.frame.npartitions) if self.bounds is None else tuple(self.bounds)

    @staticmethod
    def operation(frame: Any, other: Any, drop: bool, append: bool, bounds: Any) -> Any:
        if isinstance(frame, pd.Series):
            return frame.set_axis(other)
        return frame.set_index(other, drop=drop, append=append)


class WithDivisions(FrameExpression):
    """A sorted frame whose partitions may share values at their ends: each value in one partition, none empty.

    lows, highs: the least and the greatest index value of each partition that has any; filled: their numbers.
    """

    parameters = ("frame", "lows", "highs", "filled")
    label = "divisions"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return (*self.lows, self.highs[-1]) if self.lows else (None, None)

    def layer(self, *inputs: Layer) -> Layer:
        count = max(len(self.lows), 1)
        return blocks.made(_resolved, inputs, (count,), self.name, self.lows, self.highs, self.filled)


def _resolved(keys: Sequence[Any], frame: Blocks, lows: Any, highs: Any, filled: Any) -> list[Any]:
    if not lows:
        return [node(concatenated, (list(frame.nodes[:1]),), None, None, None, keys[0])]
    found = []
    for place, key in enumerate(keys):
        low, high = lows[place], lows[place + 1] if place + 1 < len(lows) else None
        parts = [
            frame.nodes[number]
            for number, one, other in zip(filled, lows, highs, strict=True)
            if other >= low and (high is None or one < high)
        ] or [frame.nodes[filled[place]]]
        found.append(node(_from_to, (parts, low, high), None, None, None, key))
    return found


def _from_to(parts: list[Any], low: Any, high: Any) -> Any:
    """The rows whose index is from low to below high; None: to the last."""
    pieces = []
    for part in parts:
        index = part if isinstance(part, pd.Index) else part.index
        pieces.append(part[(index >= low) if high is None else (index >= low) & (index < high)])
    return concatenated(pieces)
