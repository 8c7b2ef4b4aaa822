"""How columns go together, and what is frequent: cov, corr, mode, by a tree of partial results.

Of two columns the rows count where both are there: so counts, means and sums of products are matrices. Partial results
are put together by the formula for pairwise merging, which loses no digits to large means.
Source: Chan, Golub, LeVeque, Updating formulae and a pairwise algorithm for computing sample variances.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.reducing import Reduction


class Together(Reduction):
    """cov() or corr() of all pairs of columns. options: corr, min_periods, scalar: of two columns one number."""

    label = "cov"

    @staticmethod
    def chunk(frame: Any, **_: Any) -> Any:
        values = frame.to_numpy(dtype="float64", na_value=np.nan)
        there = ~np.isnan(values)
        mask = there.astype("float64")
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = np.nan_to_num(np.where(there, values, 0).sum(axis=0) / mask.sum(axis=0))
            near = np.where(there, values - shift, 0.0)
            count = mask.T @ mask
            mean = np.nan_to_num((near.T @ mask) / count)  # of the row's column, where the other is there
            square = np.nan_to_num(((near**2).T @ mask) - count * mean**2)
            product = near.T @ near - count * mean * mean.T
        return [count, mean + shift[:, None], square, np.nan_to_num(product), list(frame.columns)]

    @staticmethod
    def combine(parts: list[Any], **_: Any) -> Any:
        return reduce(_merged, parts)

    @staticmethod
    def aggregate(parts: list[Any], corr: bool, min_periods: int, scalar: bool) -> Any:
        count, _, square, product, columns = Together.combine(parts)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = product / np.sqrt(square * square.T) if corr else product / (count - 1)
        found[count < max(min_periods, 1 if corr else 2)] = np.nan
        return float(found[0, 1]) if scalar else pd.DataFrame(found, index=columns, columns=columns)


def _merged(one: Any, other: Any) -> Any:
    (n, mean, square, product, columns), (m, mean2, square2, product2, _) = one, other
    total = n + m
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(m / total)
    delta = np.where((n > 0) & (m > 0), mean2 - mean, 0.0)
    joint = np.where(n > 0, mean + delta * share, mean2)
    weight = n * share
    return [
        total,
        joint,
        square + square2 + weight * delta**2,
        product + product2 + weight * delta * delta.T,
        columns,
    ]


class Mode(Reduction):
    """The most frequent values of each column. options: dropna."""

    @staticmethod
    def chunk(frame: Any, dropna: bool) -> Any:
        columns = frame if isinstance(frame, pd.DataFrame) else {frame.name: frame}
        return [columns[label].value_counts(sort=False, dropna=dropna) for label in columns]

    @staticmethod
    def combine(parts: list[Any], dropna: bool) -> Any:
        return [
            concatenated(list(counts)).groupby(level=0, sort=False, dropna=False, observed=True).sum()
            for counts in zip(*parts, strict=True)
        ]

    @staticmethod
    def aggregate(parts: list[Any], dropna: bool) -> Any:
        found = []
        for counts in Mode.combine(parts, dropna):
            best = counts[counts == counts.max()].index
            found.append(pd.Series(best.sort_values(), name=counts.index.name).reset_index(drop=True))
        return found

    @property
    def steps(self) -> Any:
        chunk, combine, aggregate = super().steps
        return chunk, combine, _Columns(aggregate, self.frame.meta)


class _Columns:
    """Series of different lengths side by side, or the only one."""

    def __init__(self, aggregate: Any, meta: Any) -> None:
        self._aggregate, self._meta = aggregate, meta

    def __call__(self, parts: list[Any]) -> Any:
        found = self._aggregate(parts)
        if self._meta.ndim == 1:
            return found[0].rename(self._meta.name)
        return pd.concat(found, axis=1, keys=list(self._meta.columns))


class Rising(Reduction):
    """Whether values rise, or fall. options: falls."""

    label = "is-monotonic"

    @staticmethod
    def chunk(frame: Any, falls: bool) -> Any:
        if not len(frame):
            return True, None, None
        good = frame.is_monotonic_decreasing if falls else frame.is_monotonic_increasing
        ends = frame[[0, -1]] if isinstance(frame, pd.Index) else frame.iloc[[0, -1]].to_numpy()
        return bool(good), ends[0], ends[1]

    @staticmethod
    def combine(parts: list[Any], falls: bool) -> Any:
        there = [part for part in parts if part[1] is not None or not part[0]]
        if not there:
            return True, None, None
        steps = all((b[1] <= a[2]) if falls else (b[1] >= a[2]) for a, b in pairwise(there))
        return all(part[0] for part in there) and bool(steps), there[0][1], there[-1][2]

    @staticmethod
    def aggregate(parts: list[Any], falls: bool) -> Any:
        return Rising.combine(parts, falls)[0]


class Correlating:
    """A mixin of dataframes and series."""

    def _numbers(self: Any, numeric_only: bool) -> Any:
        return self.select_dtypes(include=["number", "bool"]) if numeric_only else self

    def cov(
        self: Any, other: Any = None, min_periods: Any = None, numeric_only: bool = False, split_every: Any = False
    ) -> Any:
        """Covariances of pairs of columns, or with another series. min_periods: rows that a pair needs."""
        return self._together(other, False, min_periods, numeric_only, split_every)

    def corr(
        self: Any,
        other: Any = None,
        method: str = "pearson",
        min_periods: Any = None,
        numeric_only: bool = False,
        split_every: Any = False,
    ) -> Any:
        """Correlations of pairs of columns, or with another series, by Pearson's coefficient."""
        if isinstance(other, str):
            other, method = None, other
        if method != "pearson":
            raise NotImplementedError("Only Pearson correlation has been implemented")
        return self._together(other, True, min_periods, numeric_only, split_every)

    def _together(self: Any, other: Any, corr: bool, min_periods: Any, numeric_only: bool, split_every: Any) -> Any:
        least = 2 if min_periods is None else min_periods
        options = {"corr": corr, "min_periods": least, "scalar": self.ndim == 1}
        if self.ndim == 1:
            if getattr(other, "ndim", None) != 1:
                raise TypeError("other must be a lazy Series")
            frame = self.to_frame("one").assign(other=other)
        elif isinstance(other, int):  # cov(min_periods)
            frame, options["min_periods"] = self._numbers(numeric_only), other
        else:
            frame = self._numbers(numeric_only)
        if any(kind.kind in "OUS" or str(kind) in ("str", "string") for kind in frame._meta.dtypes):
            raise ValueError("could not convert string to float: pass numeric_only=True")
        return self._new(Together(frame.expr, options, split_every or None))

    def mode(self: Any, dropna: bool = True, split_every: Any = False) -> Any:
        """The most frequent values, sorted."""
        return self._new(Mode(self.expr, {"dropna": dropna}, split_every or None))

    def autocorr(self: Any, lag: int = 1, split_every: Any = False) -> Any:
        """The correlation with the values so many rows before."""
        if not isinstance(lag, int):
            raise TypeError("lag must be an integer")
        return self.corr(self if lag == 0 else self.shift(lag), split_every=split_every)

    @property
    def is_monotonic_increasing(self: Any) -> Any:
        """Whether no value is less than the one before it."""
        return self._new(Rising(self.expr, {"falls": False}))

    @property
    def is_monotonic_decreasing(self: Any) -> Any:
        """Whether no value is greater than the one before it."""
        return self._new(Rising(self.expr, {"falls": True}))
