"""Timeseries: random numbers and names by time. Each column of each partition has a stream of random numbers of its
own, so a column is the same whichever others are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.metas import empty_of

NAMES = [
    "Alice",
    "Bob",
    "Charlie",
    "Dan",
    "Edith",
    "Frank",
    "George",
    "Hannah",
    "Ingrid",
    "Jerry",
    "Kevin",
    "Laura",
    "Michael",
    "Norbert",
    "Oliver",
    "Patricia",
    "Quinn",
    "Ray",
    "Sarah",
    "Tim",
    "Ursula",
    "Victor",
    "Wendy",
    "Xavier",
    "Yvonne",
    "Zelda",
]


class Timeseries(FrameExpression):
    """bounds: times between partitions; freq: of rows; dtypes: pairs (column, dtype); options: pairs (COLUMN_KEYWORD,
    value); seed: entropy.
    """

    parameters = ("bounds", "freq", "dtypes", "options", "seed")

    @cached_property
    def meta(self) -> Any:
        start = self.bounds[0]
        index = pd.date_range(start, periods=1, freq=self.freq, name="timestamp")
        return empty_of(_made(index, self.dtypes, dict(self.options), self.seed, 0))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.bounds)

    def layer(self, *inputs: Layer) -> Layer:
        bounds = self.bounds
        where = PerBlock(_Span(bounds))
        sizes: dict[Any, int] = {"partition": self.npartitions}
        values = [(each, None) for each in (self.freq, self.dtypes, dict(self.options), self.seed)]
        return blocks.blockwise(_partition, AXIS, (where, AXIS), *values, name=self.name, sizes=sizes)


class _Span:
    """The number of a partition, and its first time and the one after its last."""

    def __init__(self, bounds: tuple[Any, ...]) -> None:
        self._bounds = bounds

    def __call__(self, index: tuple[int, ...]) -> tuple[int, Any, Any]:
        return index[0], self._bounds[index[0]], self._bounds[index[0] + 1]


def _partition(span: tuple[int, Any, Any], freq: Any, dtypes: Any, options: dict[str, Any], seed: Any) -> Any:
    number, start, end = span
    index = pd.date_range(start, end, freq=freq, name="timestamp", inclusive="left")
    return _made(index, dtypes, options, seed, number)


def _made(index: Any, dtypes: Any, options: dict[str, Any], seed: Any, number: int) -> Any:
    columns = {}
    for place, (name, dtype) in enumerate(dtypes):
        random = np.random.default_rng(np.random.SeedSequence([*np.atleast_1d(seed).tolist(), number, place]))
        own = {key.removeprefix(f"{name}_"): value for key, value in options.items() if key.startswith(f"{name}_")}
        columns[name] = _maker(dtype)(len(index), random, **own)
    return pd.DataFrame(columns, index=index)


def _floats(count: int, random: Any) -> Any:
    return random.random(count) * 2 - 1


def _integers(count: int, random: Any, lam: float = 1000) -> Any:
    return random.poisson(lam, size=count)


def _texts(count: int, random: Any) -> Any:
    return pd.array(random.choice(NAMES, size=count), dtype="str")


def _categories(count: int, random: Any) -> Any:
    return pd.Categorical.from_codes(random.integers(0, len(NAMES), size=count), NAMES)


_MAKERS: Mapping[Any, Callable[..., Any]] = {
    float: _floats,
    int: _integers,
    str: _texts,
    object: _texts,
    "string": _texts,
    "str": _texts,
    "category": _categories,
}


def _maker(dtype: Any) -> Callable[..., Any]:
    if dtype in _MAKERS:
        return _MAKERS[dtype]
    kind = np.dtype(dtype).kind
    if kind in "iuf":
        return lambda count, random, **own: (_floats if kind == "f" else _integers)(count, random, **own).astype(dtype)
    raise TypeError(f"no random values of {dtype!r}; pass one of {list(_MAKERS)}")
