"""frame.resample(rule): bins of time, each of which lies in one partition: a mixin.

The frame is divided anew at bounds of bins, so that each partition resamples alone; all of them count from one origin,
that of the whole index, and a partition gives a row for each of its bins, also those without rows of their own.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.metas import empty_of, meta_nonempty
from plait.lazy.dataframe.repartitioning import by_divisions
from plait.lazy.expressions.wrapping import Wrapped

_OF_NOTHING = {"count": 0, "size": 0, "nunique": 0, "sum": 0, "prod": 1}  # what pandas says of a bin without rows


class Resampled(FrameExpression):
    """frame.resample(**options).method(*args, **keywords). bins: Wrapped labels, and where each partition's begin.

    column: of the frame, or None.
    """

    parameters = ("frame", "options", "method", "args", "keywords", "column", "bins")

    @property
    def prefix(self) -> str:
        return f"resample-{self.method}"

    @cached_property
    def meta(self) -> Any:
        call = _Resampling(self.options, self.method, self.args, self.keywords, self.column)
        return empty_of(call(meta_nonempty(self.frame.meta), None))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        labels, starts = self.bins.held
        return (*[labels[start] for start in starts], labels[-1])

    def layer(self, *inputs: Layer) -> Layer:
        labels, starts = self.bins.held
        ends = [*starts[1:], len(labels)]
        of = PerBlock(lambda index: labels[starts[index[0]] : ends[index[0]]])
        call = _Resampling(self.options, self.method, self.args, self.keywords, self.column)
        return blocks.blockwise(call, AXIS, (inputs[0], AXIS), (of, AXIS), name=self.name)


class _Resampling:
    """Resamples a partition, to a row for each of some labels."""

    def __init__(self, options: dict[str, Any], method: str, args: Any, keywords: Any, column: Any) -> None:
        self._told = options, method, args, keywords, column
        self.__name__ = f"resample_{method}"

    def __call__(self, part: Any, labels: Any) -> Any:
        options, method, args, keywords, column = self._told
        rows = part.resample(**options)
        rows = rows if column is None else rows[column]
        found = getattr(rows, method)(*args, **keywords)
        if labels is None:
            return found
        fill = _OF_NOTHING.get(method, np.nan)
        if method == "agg" or isinstance(fill, float):
            return found.reindex(labels)
        return found.reindex(labels, fill_value=fill)


class Resampler:
    """What `resample` gives: its methods are those of pandas' Resampler."""

    def __init__(self, frame: Any, rule: Any, closed: Any, label: Any, column: Any = None) -> None:
        if not frame.known_divisions:
            raise ValueError(
                "Can only resample dataframes with known divisions; call set_index() on the column of times first"
            )
        self._told = frame, rule, closed, label
        self._frame, self._column = frame, column
        bounds = pd.Series(0, index=pd.DatetimeIndex(frame.divisions))
        self._options = {"rule": rule, "closed": closed, "label": label}
        if isinstance(pd.tseries.frequencies.to_offset(rule), (pd.offsets.Tick, pd.offsets.Day)):
            self._options["origin"] = frame.divisions[0].normalize()  # other periods are those of the calendar
        lefts = bounds.resample(**{**self._options, "label": "left"}).count().index
        labels = bounds.resample(**self._options).count().index
        places = np.searchsorted(lefts, bounds.index[1:-1], side="right") - 1
        starts = sorted({0, *[int(each) for each in places if each > 0]})
        shift = _shift(self._options, getattr(frame._meta.index, "unit", "ns"))
        inner = [lefts[each] + shift for each in starts[1:]]
        divisions = [min(frame.divisions[0], lefts[0] + shift), *inner, max(frame.divisions[-1], *inner, lefts[0])]
        self._divided = by_divisions(frame.expr, _rising(divisions), force=True)
        self._bins = Wrapped((labels, starts))

    def _called(self, method: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        options = {name: each for name, each in self._options.items() if each is not None}
        made = Resampled(self._divided, options, method, args, keywords, self._column, self._bins)
        return self._frame._new(made)

    def __getitem__(self, column: Any) -> Resampler:
        return Resampler(*self._told, column)

    def __getattr__(self, method: str) -> Any:
        if method in getattr(self._frame, "columns", ()):
            return self[method]
        if method not in _METHODS:
            raise AttributeError(f"'Resampler' object has no attribute {method!r}; it has {', '.join(_METHODS)}")

        def call(*args: Any, **keywords: Any) -> Any:
            return self._called("agg" if method == "aggregate" else method, args, keywords)

        return call


_METHODS = (
    *("agg", "aggregate", "count", "first", "last", "max", "mean", "median", "min", "nunique", "ohlc", "prod"),
    *("quantile", "sem", "size", "std", "sum", "var"),
)


def _shift(options: dict[str, Any], unit: str) -> Any:
    """How far behind its left label a bin begins: closed on the right one step of time; ends of periods mean the end of
    that day, so a day.
    """
    grouper = pd.Grouper(freq=options["rule"])
    closed = options["closed"] or grouper.closed
    if closed != "right":
        return pd.Timedelta(0).as_unit(unit)
    whole_days = grouper.freq.rule_code.split("-")[0] in ("ME", "BME", "QE", "BQE", "YE", "BYE", "W")
    return pd.Timedelta(1, unit="D" if whole_days else unit).as_unit(unit)


def _rising(divisions: list[Any]) -> list[Any]:
    """Bounds each once, but for the last."""
    inner = sorted(set(divisions[:-1]))
    return [*inner, divisions[-1]]


class Resampling:
    """A mixin of dataframes and series."""

    def resample(self: Any, rule: Any, closed: Any = None, label: Any = None) -> Resampler:
        """Bins of time of a sorted index of times with known divisions. rule: their length, such as "2h"."""
        return Resampler(self, rule, closed, label)
