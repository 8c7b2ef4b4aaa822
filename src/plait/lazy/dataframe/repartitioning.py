"""Repartitioning: the same rows in other partitions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.expression import FrameExpression, Together, unknown
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.expressions.wrapping import Wrapped


class RepartitionDivisions(FrameExpression):
    """The rows of `frame`, whose divisions are known, in partitions by `bounds`. force: bounds may be wider."""

    parameters = ("frame", "bounds", "force")
    defaults = {"force": False}
    label = "repartition"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.bounds)

    def layer(self, *inputs: Layer) -> Layer:
        pieces = _overlaps(self.frame.divisions, self.divisions)
        return blocks.made(_cut, inputs, self.numblocks, self.name, pieces, Wrapped(self.meta))


Piece = tuple[int, Any, Any, bool]  # an old partition, from, to, whether to is included; None: all of it


def _overlaps(old: Sequence[Any], new: Sequence[Any]) -> list[list[Piece]]:
    """For each new partition the parts of old ones that are in it."""
    found = []
    last = len(new) - 2
    for i in range(len(new) - 1):
        low, high = new[i], new[i + 1]
        pieces: list[Piece] = []
        for j in range(len(old) - 1):
            ends = j == len(old) - 2  # its upper bound is in it
            above = old[j + 1] > low or (ends and old[j + 1] == low)
            below = old[j] < high or (i == last and old[j] == high)
            if above and below:
                pieces.append((j, low, high, i == last))
        found.append(pieces)
    return found


def _cut(keys: Sequence[Any], frame: Blocks, pieces: list[list[Piece]], meta: Wrapped) -> list[Any]:
    nodes = []
    for key, parts in zip(keys, pieces, strict=True):
        bounds = [part[1:] for part in parts]
        nodes.append(make(_between, (meta, bounds, *[frame.nodes[part[0]] for part in parts]), None, None, None, key))
    return nodes


def _between(meta: Wrapped, bounds: list[tuple[Any, Any, bool]], *parts: Any) -> Any:
    """The rows of some sorted partitions whose index is within bounds."""
    found = [_rows_between(part, *bound) for part, bound in zip(parts, bounds, strict=True)]
    return concatenated(found, meta.held)


def _rows_between(part: Any, low: Any, high: Any, closed: bool) -> Any:
    index = part if isinstance(part, pd.Index) else part.index
    if not index.is_monotonic_increasing:
        where = (index >= low) & ((index <= high) if closed else (index < high))
        return part[where]
    start = index.searchsorted(low, side="left") if len(index) else 0
    end = index.searchsorted(high, side="right" if closed else "left") if len(index) else 0
    return part[start:end] if isinstance(part, pd.Index) else part.iloc[start:end]


class RepartitionToFewer(FrameExpression):
    """Neighbouring partitions made one. starts: of n new partitions n + 1 numbers of old ones."""

    parameters = ("frame", "starts")
    label = "repartition"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple([self.frame.divisions[start] for start in self.starts])

    @cached_property
    def together(self) -> Together:
        return dict.fromkeys(self.frame.together)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_merged, inputs, self.numblocks, self.name, list(self.starts), Wrapped(self.meta))


def _merged(keys: Sequence[Any], frame: Blocks, starts: list[int], meta: Wrapped) -> list[Any]:
    return [
        make(_together, (meta, *frame.nodes[starts[i] : starts[i + 1]]), None, None, None, key)
        for i, key in enumerate(keys)
    ]


def _together(meta: Wrapped, *parts: Any) -> Any:
    return concatenated(list(parts), meta.held)


class RepartitionToMore(FrameExpression):
    """Partitions cut into equal parts. counts: how many of each old one."""

    parameters = ("frame", "counts")
    label = "repartition"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(sum(self.counts))

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_divided, inputs, self.numblocks, self.name, list(self.counts))


def _divided(keys: Sequence[Any], frame: Blocks, counts: list[int]) -> list[Any]:
    places = [(j, k, count) for j, count in enumerate(counts) for k in range(count)]
    return [
        make(_share, (frame.nodes[j], k, count), None, None, None, key)
        for key, (j, k, count) in zip(keys, places, strict=True)
    ]


def _share(part: Any, k: int, count: int) -> Any:
    """Part k of `count` equal ones."""
    start, end = len(part) * k // count, len(part) * (k + 1) // count
    return part[start:end] if isinstance(part, pd.Index) else part.iloc[start:end]


def by_divisions(frame: FrameExpression, divisions: Sequence[Any], force: bool = False) -> FrameExpression:
    """In partitions by divisions. Raises ValueError where those of the frame are unknown, or do not fit."""
    new = list(divisions)
    if not frame.known_divisions:
        raise ValueError("Cannot repartition on divisions with unknown divisions; call set_index, or pass npartitions=")
    if len(new) < 2 or sorted(new) != new or len(set(new[:-1])) != len(new) - 1:
        raise ValueError(f"New division must be unique, except for the last element; and sorted, got {new}")
    old = list(frame.divisions)
    if new == old:
        return frame
    if not force and (new[0] != old[0] or new[-1] != old[-1]):
        side = "left" if new[0] != old[0] else "right"
        raise ValueError(
            f"{side} side of old and new divisions are different, {old[0]}..{old[-1]} and {new[0]}..{new[-1]}; pass "
            f"force=True"
        )
    if force and (new[0] > old[0] or new[-1] < old[-1]):
        side = "left" if new[0] > old[0] else "right"
        raise ValueError(
            f"{side} side of the new division must be {'smaller' if side == 'left' else 'larger'} than the old one"
        )
    return RepartitionDivisions(frame, tuple(new), force)


def by_count(frame: FrameExpression, npartitions: int) -> FrameExpression:
    """In so many partitions. Known divisions of numbers and times are interpolated where there are to be more."""
    have = frame.npartitions
    if npartitions < 1:
        raise ValueError(f"npartitions={npartitions} is not a positive number of partitions")
    if npartitions == have:
        return frame
    if npartitions < have:
        starts = (*[have * i // npartitions for i in range(npartitions)], have)
        return RepartitionToFewer(frame, starts)
    if frame.known_divisions:
        bounds = _interpolated(frame.divisions, npartitions)
        if bounds is not None:
            return by_divisions(frame, bounds)
    share, rest = divmod(npartitions, have)
    return RepartitionToMore(frame, tuple([share + (1 if i < rest else 0) for i in range(have)]))


def _interpolated(divisions: Sequence[Any], npartitions: int) -> list[Any] | None:
    """So many divisions between the same ends; None where there is no such thing."""
    index = pd.Index(list(divisions))
    if pd.api.types.is_datetime64_any_dtype(index.dtype):
        values = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
        numbers = values.as_unit("ns").asi8.astype(float)
    elif pd.api.types.is_numeric_dtype(index.dtype) and not pd.api.types.is_bool_dtype(index.dtype):
        numbers = np.asarray(index, dtype=float)
    else:
        return None
    found = np.interp(np.linspace(0, len(numbers) - 1, npartitions + 1), np.arange(len(numbers)), numbers)
    bounds: list[Any]
    if pd.api.types.is_datetime64_any_dtype(index.dtype):
        stamps = pd.DatetimeIndex(found.astype("int64"))
        bounds = list(stamps.tz_localize("UTC").tz_convert(index.tz) if index.tz is not None else stamps)
    elif pd.api.types.is_integer_dtype(index.dtype):
        bounds = [int(each) for each in np.floor(found)]
    else:
        bounds = list(found)
    bounds = [divisions[0], *dict.fromkeys(bounds[1:-1]), divisions[-1]]
    inner = [each for each in bounds[1:-1] if divisions[0] < each < divisions[-1]]
    return [divisions[0], *inner, divisions[-1]]


def start_of_period(freq: Any) -> Any:
    """A frequency whose stamps begin periods: "MS" for "ME"; others as they are. Raises ValueError for none."""
    if not isinstance(freq, str):
        return freq
    offset: Any = pd.tseries.frequencies.to_offset(freq)
    name = type(offset).__name__
    begin = getattr(pd.tseries.offsets, f"{name.removesuffix('End')}Begin", None)
    if not name.endswith("End") or begin is None:
        return freq
    month = {"startingMonth": offset.startingMonth} if hasattr(offset, "startingMonth") else {}
    month = {"month": offset.month} if hasattr(offset, "month") else month
    starts = {each: value % 12 + 1 for each, value in month.items()}  # what ends with March begins with April
    return begin(offset.n, **starts).freqstr


def by_frequency(frame: FrameExpression, freq: Any) -> FrameExpression:
    """In partitions of a period of time each. Raises TypeError where the index has no times."""
    if not frame.known_divisions or not isinstance(frame.divisions[0], pd.Timestamp):
        raise TypeError(f"Can only repartition on frequency for timeseries; divisions are {frame.divisions[:2]}")
    start, end = frame.divisions[0], frame.divisions[-1]
    freq = start_of_period(freq)
    step = pd.tseries.frequencies.to_offset(freq)
    try:
        first = start.ceil(freq)
    except ValueError:
        first = pd.Timestamp(start.year, start.month, 1, tz=start.tz)
    bounds = list(pd.date_range(start=first, end=end, freq=step))
    if not bounds:
        bounds = [start, end]
    else:
        bounds = [start] * (bounds[0] != start) + bounds
        bounds.append(end)
        if len(bounds) > 2 and bounds[-1] == bounds[-2] and len(set(bounds)) < len(bounds) - 1:
            bounds.pop()
    return by_divisions(frame, [*dict.fromkeys(bounds[:-1]), bounds[-1]])


def partition_of(divisions: Sequence[Any], value: Any) -> int:
    """The partition that has an index value, of known divisions; the nearest one for values outside."""
    place = bisect_right(divisions, value) - 1
    return min(max(place, 0), len(divisions) - 2)


def first_partition_of(divisions: Sequence[Any], value: Any) -> int:
    """As partition_of(), but the first one that may have a value which is a division."""
    return min(max(bisect_left(divisions, value) - 1, 0), len(divisions) - 2)
