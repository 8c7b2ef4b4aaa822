"""Where dataframes come from: pandas objects in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.expressions.wrapping import Wrapped


class FromPandas(FrameExpression):
    """Rows of a pandas object. source: Wrapped; bounds: divisions; starts: of n partitions n + 1 row numbers."""

    parameters = ("source", "bounds", "starts")
    label = "from_pandas"

    @cached_property
    def meta(self) -> Any:
        return empty_of(self.source.held)

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.bounds)

    def layer(self, *inputs: Layer) -> Layer:
        where = PerBlock(_Bounds(self.starts))
        sizes: dict[Any, int] = {"partition": self.npartitions}
        return blocks.blockwise(_rows, AXIS, (self.source, None), (where, AXIS), name=self.name, sizes=sizes)


class _Bounds:
    """From and to which row a partition goes, by its index."""

    def __init__(self, starts: Sequence[int]) -> None:
        self._starts = starts

    def __call__(self, index: tuple[int, ...]) -> tuple[int, int]:
        return self._starts[index[0]], self._starts[index[0] + 1]


def _rows(source: Wrapped, where: tuple[int, int]) -> Any:
    frame = source.held
    return frame[where[0] : where[1]] if isinstance(frame, pd.Index) else frame.iloc[where[0] : where[1]]


def in_memory(
    data: Any, npartitions: int | None = None, chunksize: int | None = None, sort: bool = True, name: str | None = None
) -> FromPandas:
    """The expression of a pandas object. sort: by its index, which makes divisions known."""
    count = len(data)
    if sort:
        if not data.index.is_monotonic_increasing:
            data = data.sort_index(ascending=True)
        starts, bounds = sorted_starts(data.index, npartitions, chunksize)
    else:
        size = chunksize if chunksize is not None else max(-(-count // (npartitions or 1)), 1)
        starts = [*range(0, count, size), count] if count else [0, 0]
        bounds = [None] * len(starts)
    return FromPandas(Wrapped(data), tuple(bounds), tuple(starts), name=name)


def sorted_starts(index: Any, npartitions: int | None, chunksize: int | None) -> tuple[list[int], list[Any]]:
    """Where partitions of a sorted index begin, and its divisions: equal values are in one partition."""
    count = len(index)
    if not count:
        return [0, 0], [None, None]
    if chunksize is not None:
        wanted = list(range(0, count, chunksize))
    else:  # the first ones have a row more
        share, rest = divmod(count, npartitions or 1)
        wanted = [i * share + min(i, rest) for i in range(min(npartitions or 1, count))]
    values = index.array
    starts: list[int] = []
    for place in wanted:
        first = int(index.searchsorted(values[place], side="left")) if place else 0
        if first < place and starts and first <= starts[-1]:  # its values began before: go on behind them
            first = int(index.searchsorted(values[place], side="right"))
        if first < count and (not starts or first > starts[-1]):
            starts.append(first)
    bounds = [index[start] for start in starts]
    return [*starts, count], [*bounds, index[-1]]


def from_pandas_checked(
    data: Any, npartitions: int | None, sort: bool, chunksize: int | None, name: str | None
) -> FromPandas:
    """As in_memory(). Raises TypeError, ValueError or NotImplementedError for what it cannot take."""
    if isinstance(getattr(data, "index", None), pd.MultiIndex):
        raise NotImplementedError("Dask does not support MultiIndex Dataframes; call reset_index() first")
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        raise TypeError(
            f"Input must be a pandas DataFrame or Series, got {type(data).__name__}; use from_array or from_map"
        )
    if npartitions is not None and not isinstance(npartitions, int):
        raise TypeError(
            f"Please provide npartitions as an int, or possibly as None if you specify chunksize; got {npartitions!r}"
        )
    if (npartitions is None) == (chunksize is None) and npartitions is not None:
        raise ValueError("Exactly one of npartitions and chunksize must be specified; pass one")
    if chunksize is not None and not isinstance(chunksize, int):
        raise TypeError(f"Please provide chunksize as an int, got {chunksize!r}")
    index = data.index
    if sort and isinstance(index.dtype, np.dtype) and index.dtype == object and index.isna().any():
        raise NotImplementedError(
            "Index in passed data is non-numeric and contains nulls, which cannot be sorted; pass sort=False"
        )
    return in_memory(data, npartitions or (None if chunksize else 1), chunksize, sort, name)
