"""Functions of users on partitions that see some rows of their neighbours.

A partition goes with the last rows of the one before, and the first of the one after; what the function makes of these
rows is cut off again. A neighbour that has too few rows is an error: the rows beyond it would be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.aligning import aligned
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.mapping import NO_DEFAULT, mapped
from plait.lazy.dataframe.metas import is_frame_like
from plait.lazy.dataframe.operators import operand_of


class Wider(NamedTuple):
    """A partition with rows of its neighbours, and how many these are."""

    whole: Any
    before: int
    after: int


class WithNeighbours(FrameExpression):
    """Each partition as a Wider. before, after: how many rows, or a Timedelta of a sorted index of times."""

    parameters = ("frame", "before", "after")

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.frame.divisions)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_widened, inputs, self.numblocks, self.name, self.before, self.after)


def _widened(keys: Sequence[Any], frame: Blocks, before: Any, after: Any) -> list[Any]:
    nodes, last = frame.nodes, len(frame.nodes) - 1
    made = []
    for place, key in enumerate(keys):
        previous = nodes[place - 1] if place and before else None
        following = nodes[place + 1] if place < last and after else None
        made.append(make(_wider, (previous, nodes[place], following, before, after), None, None, None, key))
    return made


def _wider(previous: Any, part: Any, following: Any, before: Any, after: Any) -> Wider:
    parts = [part]
    if previous is not None:
        parts.insert(0, _last_rows(previous, part, before))
    if following is not None:
        parts.append(_first_rows(following, part, after))
    counts = [len(parts[0]) if previous is not None else 0, len(parts[-1]) if following is not None else 0]
    filled = [each for each in parts if len(each)]
    return Wider(concatenated(filled) if len(filled) > 1 else part, *counts)


def _last_rows(previous: Any, part: Any, before: Any) -> Any:
    if isinstance(before, int):
        _check(len(previous) >= before, before)
        return previous.iloc[len(previous) - before :]
    if not len(part) or not len(previous):
        return previous.iloc[:0]
    start = part.index[0] - before
    _check(previous.index[0] <= start, before)
    return previous[previous.index > start]


def _first_rows(following: Any, part: Any, after: Any) -> Any:
    if isinstance(after, int):
        _check(len(following) >= after, after)
        return following.iloc[:after]
    if not len(part) or not len(following):
        return following.iloc[:0]
    end = part.index[-1] + after
    _check(following.index[-1] >= end, after)
    return following[following.index < end]


def _check(enough: bool, window: Any) -> None:
    if not enough:
        raise NotImplementedError(
            f"Partition size is less than overlapping window size {window}. Try using ``df.repartition`` to increase "
            "the partition size"
        )


class Trimmed:
    """A function of pandas objects as one of Widers, whose result has the rows of the first one's partition alone."""

    __slots__ = ("__name__", "function")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", "function")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        wider = [each for each in (*args, *keywords.values()) if isinstance(each, Wider)]
        found = self.function(*map(_whole, args), **{name: _whole(each) for name, each in keywords.items()})
        if not wider or not is_frame_like(found):
            return found
        kept = slice(wider[0].before, len(found) - wider[0].after)
        return found[kept] if isinstance(found, pd.Index) else found.iloc[kept]

    def __reduce__(self) -> Any:
        return Trimmed, (self.function,)


def _whole(value: Any) -> Any:
    return value.whole if isinstance(value, Wider) else value


def overlapped(
    function: Callable[..., Any],
    frame: Any,
    before: Any,
    after: Any,
    *args: Any,
    meta: Any = NO_DEFAULT,
    enforce_metadata: bool = True,
    transform_divisions: bool = True,
    clear_divisions: bool = False,
    align_dataframes: bool = True,
    **keywords: Any,
) -> FrameExpression:
    """The expression function(frame, *args, **keywords), partition by partition, of frames with their neighbours."""
    values = [operand_of(each) for each in (frame, *args, *keywords.values())]
    if align_dataframes:
        values = aligned(values)
    windows = [_window(each, values[0], name) for each, name in ((before, "before"), (after, "after"))]
    wider = [
        WithNeighbours(each, *windows) if isinstance(each, FrameExpression) and is_frame_like(each.meta) else each
        for each in values
    ]
    named: dict[str, Any] = dict(zip(keywords, wider[len(args) + 1 :], strict=True))
    return mapped(
        Trimmed(function),
        *wider[: len(args) + 1],
        meta=meta,
        enforce_metadata=enforce_metadata,
        transform_divisions=transform_divisions,
        clear_divisions=clear_divisions,
        align_dataframes=False,
        **named,
    )


def _window(given: Any, frame: FrameExpression, name: str) -> Any:
    """A number of rows, or a Timedelta. Raises ValueError, or TypeError where the index has no times."""
    if isinstance(given, int):
        if given < 0:
            raise ValueError(f"{name} must be a positive number of rows, got {given}")
        return given
    if isinstance(given, float) or given is None:
        raise ValueError(f"{name} must be a positive integer or a timedelta, got {given!r}")
    window = pd.Timedelta(given)
    if not isinstance(frame.meta.index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        raise TypeError(f"{name}={given!r} is a timedelta, which needs an index of times; pass a number of rows")
    return window


class Overlapping:
    """map_overlap as a method: a mixin."""

    def map_overlap(self: Any, func: Callable[..., Any], before: Any, after: Any, *args: Any, **options: Any) -> Any:
        """func(partition, *args, **keywords) for each partition with rows of its neighbours, whose results are cut off.

        before, after: how many rows, or a timedelta where the index has times. options: as of map_partitions.
        """
        options = {"align_dataframes": False, **options}
        return self._new(overlapped(func, self, before, after, *args, **options))
