"""Sampling: values that cut a column into partitions of about equal length, from a summary of each partition.

A summary is a sorted sample, at equal steps of rank, with weights by the trapezoid rule; so of n rows and m steps no
rank is off by more than n / 2m. Summaries are small and put together, sorted once more, and cut at equal weights. A
value that is too frequent for one partition is a bound by itself.

Rejected: percentiles of random places, as dask adds: the same data would be cut otherwise from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plait.lazy.dataframe.joining import concatenated

_STEPS = 50  # at least so many, where there are so many rows


class Summary(NamedTuple):
    """Of the values of one partition. sample: sorted; low, high: None where all are missing."""

    sample: Any
    weights: NDArray[np.float64]
    low: Any
    high: Any
    length: int
    missing: int


def steps_for(old: int, new: int, upsample: float) -> int:
    """How many steps a sample has, for `old` partitions that become `new`."""
    return int(upsample * (2 * new * (old + 22) ** 0.55 / old + _STEPS))


def summary(values: Any, steps: int) -> Summary:
    """The summary of a Series or an Index."""
    series = pd.Series(values.array)
    present = _ordered(series[series.notna().to_numpy()])
    ordered = present.sort_values(ignore_index=True)
    length = len(ordered)
    if not length:
        return Summary(ordered, np.zeros(0), None, None, len(series), len(series))
    steps = min(length, steps)
    places = np.rint(np.linspace(0, length - 1, steps + 1)).astype("int64")
    weights = np.full(steps + 1, length / steps)
    weights[[0, -1]] /= 2
    sample = ordered.take(places)
    return Summary(sample, weights, ordered.iloc[0], ordered.iloc[-1], len(series), len(series) - length)


def _ordered(series: Any) -> Any:
    """Categories in their order, also where they have none."""
    return series.cat.as_ordered() if isinstance(series.dtype, pd.CategoricalDtype) else series


def bounds(summaries: Sequence[Summary], count: int) -> list[Any]:
    """At most count + 1 values, rising, from the least to the greatest: divisions. None where there are no values."""
    filled = [each for each in summaries if len(each.sample)]
    if not filled:
        return []
    values, weights = _distinct(filled)
    if len(values) <= count and getattr(values.dtype, "kind", "O") in "iuf":
        found = _between(values, weights, count)
    elif len(values) <= count + 1:
        found = values
    else:
        found = values.iloc[_cuts(weights, count)]
    *lower, last = found.tolist()
    return [*dict.fromkeys(lower or [last]), last]


def _distinct(filled: list[Summary]) -> tuple[Any, NDArray[np.float64]]:
    """The values of several samples, each once and sorted, and their weights."""
    values = concatenated([each.sample for each in filled]).reset_index(drop=True)
    weights = np.concatenate([each.weights for each in filled])
    values = values.sort_values(kind="stable")
    weights = weights[values.index]
    values = values.reset_index(drop=True)
    changes = (values != values.shift()).fillna(True).to_numpy(dtype=bool)
    starts = np.append(0, np.flatnonzero(changes[1:]) + 1)
    return values.iloc[starts].reset_index(drop=True), np.add.reduceat(weights, starts)


def _between(values: Any, weights: NDArray[np.float64], count: int) -> Any:
    """Bounds of few numbers: interpolated, so that there may be as many partitions as were asked for."""
    ranks = np.cumsum(weights)
    numbers = values.to_numpy("float64")
    found = np.interp(np.linspace(ranks[0], ranks[-1], count + 1), ranks, numbers)
    if pd.api.types.is_integer_dtype(values.dtype):
        found = np.floor(found)
        found[0], found[-1] = numbers[0], numbers[-1]
    return pd.Series(found).astype(values.dtype)


def _cuts(weights: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of count + 1 bounds: those of heavy values, and equal parts of the others."""
    heavy = np.flatnonzero(weights >= weights.sum() / count)
    light = np.flatnonzero(weights < weights.sum() / count)
    parts = max(count - len(heavy), 1)
    ranks = np.cumsum(weights[light])
    cuts = np.searchsorted(ranks, np.linspace(0, ranks[-1], parts + 1), side="left")
    places = np.unique(np.concatenate([light[np.minimum(cuts, len(light) - 1)], heavy]))
    return np.unique(np.concatenate([[0], places, [len(weights) - 1]]))


def are_sorted(summaries: Sequence[Summary]) -> bool:
    """Whether each partition's values are above those of the one before, and nothing is missing or empty."""
    if any(each.missing or not each.length for each in summaries):
        return False
    return all(bool(_below(one, other)) for one, other in pairwise(summaries))


def _below(one: Summary, other: Summary) -> Any:
    if isinstance(one.sample.dtype, pd.CategoricalDtype):
        if one.sample.dtype != other.sample.dtype:
            return False
        place = one.sample.dtype.categories.get_loc
        return place(one.high) < place(other.low)
    return one.high < other.low


def places_between(values: Any, inner: Sequence[Any], count: int, descending: bool, first: bool) -> NDArray[np.int64]:
    """For each value of a Series or an Index the number of its partition.

    inner: the bounds without the first and the last: those from inner[i] on are in a partition after i. count: of all
    partitions. descending: the greatest come first. first: what is missing is in the first partition, else the last.
    """
    array, edges = _comparable(values.array, inner)
    present = ~np.asarray(pd.isna(array), dtype=bool)
    found = np.full(len(array), 0 if first else count - 1)
    if len(inner):
        places = np.asarray(edges.searchsorted(array[present], side="right"), dtype="int64")
    else:
        places = np.zeros(int(present.sum()), "int64")
    found[present] = len(inner) - places if descending else places
    return found


def _comparable(array: Any, inner: Sequence[Any]) -> tuple[Any, Any]:
    """Values and bounds that searchsorted compares: codes of categoricals, objects of what else has no order."""
    if isinstance(array.dtype, pd.CategoricalDtype):
        codes = array.categories.get_indexer(list(inner))
        if (codes < 0).any():
            raise ValueError(f"categories {list(array.categories)} differ between partitions; call categorize() first")
        return pd.Series(array.codes).replace(-1, np.nan).array, np.asarray(codes)
    if isinstance(array.dtype, np.dtype) and not isinstance(array, pd.arrays.DatetimeArray | pd.arrays.TimedeltaArray):
        return np.asarray(array), np.asarray(pd.Series(list(inner), dtype=object if array.dtype == object else None))
    return array, pd.array(list(inner), dtype=array.dtype)
