"""Sums, extremes, counts, means and moments of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy.dataframe.reducing import Reduction

# What partial results are combined by.
AGAIN = {"sum": "sum", "prod": "prod", "min": "min", "max": "max", "any": "any", "all": "all", "count": "sum"}


class Total(Reduction):
    """frame.method(**keywords), of sum, prod, min, max, any, all, count. options: method, keywords, minimum.

    A partial result is (rows, value), so that empty partitions, whose value may have another dtype, do not count.
    """

    label = "total"

    @property
    def prefix(self) -> str:
        return str(self.options["method"])

    @staticmethod
    def chunk(frame: Any, method: str, keywords: Mapping[str, Any]) -> Any:
        return len(frame), getattr(frame, method)(**keywords)

    @staticmethod
    def combine(parts: list[Any], method: str, keywords: Mapping[str, Any]) -> Any:
        kept = [value for rows, value in parts if rows] or [parts[0][1]]
        skipna = {"skipna": keywords["skipna"]} if "skipna" in keywords and method not in ("any", "all") else {}
        value = kept[0] if len(kept) == 1 else getattr(stacked(kept), AGAIN[method])(**skipna)
        return sum(rows for rows, _ in parts), value

    @staticmethod
    def aggregate(parts: list[Any], method: str, keywords: Mapping[str, Any]) -> Any:
        return Total.combine(parts, method, keywords)[1]


def stacked(values: list[Any]) -> Any:
    """Results of partitions as rows: series as a dataframe, bare values as a series."""
    if isinstance(values[0], pd.Series):
        return pd.concat(values, axis=1, ignore_index=True).T.infer_objects()
    return pd.Series(values)


class EnoughTotal(Reduction):
    """sum or prod, missing where fewer than `minimum` values are there."""

    label = "total"

    @staticmethod
    def chunk(frame: Any, method: str, keywords: Mapping[str, Any], minimum: int) -> Any:
        columns = frame.select_dtypes("number") if keywords.get("numeric_only") and frame.ndim == 2 else frame
        return getattr(frame, method)(**keywords), columns.count()

    @staticmethod
    def combine(parts: list[Any], method: str, keywords: Mapping[str, Any], minimum: int) -> Any:
        totals, counts = zip(*parts, strict=True)
        return getattr(stacked(list(totals)), method)(), stacked(list(counts)).sum()

    @staticmethod
    def aggregate(parts: list[Any], method: str, keywords: Mapping[str, Any], minimum: int) -> Any:
        total, count = EnoughTotal.combine(parts, method, keywords, minimum)
        if isinstance(total, pd.Series):
            return total.where(count >= minimum)
        return total if count >= minimum else np.nan


class Mean(Reduction):
    """frame.mean(**keywords): sums over counts."""

    @staticmethod
    def chunk(frame: Any, keywords: Mapping[str, Any]) -> Any:
        chosen = numbers_of(frame, keywords)
        count = chosen.count() if keywords.get("skipna", True) else _lengths(chosen)
        return chosen.sum(skipna=keywords.get("skipna", True)), count

    @staticmethod
    def combine(parts: list[Any], keywords: Mapping[str, Any]) -> Any:
        totals, counts = zip(*parts, strict=True)
        return stacked(list(totals)).sum(skipna=False), stacked(list(counts)).sum()

    @staticmethod
    def aggregate(parts: list[Any], keywords: Mapping[str, Any]) -> Any:
        total, count = Mean.combine(parts, keywords)
        with np.errstate(all="ignore"):
            return total / count if isinstance(total, pd.Series) or count else np.nan


def _lengths(frame: Any) -> Any:
    return pd.Series(len(frame), index=frame.columns) if frame.ndim == 2 else len(frame)


def numbers_of(frame: Any, keywords: Mapping[str, Any]) -> Any:
    """The columns that take part: with numeric_only those of numbers. Raises TypeError where others are left."""
    if frame.ndim == 2:
        return frame.select_dtypes(["number", "bool"]) if keywords.get("numeric_only") else frame
    return frame


class Moments(Reduction):
    """var, std or sem with ddof, combined of count, mean and sum of squared differences.

    Source: Chan, Golub, LeVeque, Updating formulae and a pairwise algorithm for computing sample variances.
    """

    @property
    def prefix(self) -> str:
        return str(self.options["method"])

    @staticmethod
    def chunk(frame: Any, method: str, ddof: int, keywords: Mapping[str, Any]) -> Any:
        chosen = numbers_of(frame, keywords)
        skipna = keywords.get("skipna", True)
        count = chosen.count() if skipna else _lengths(chosen)
        timed = _is_timed(chosen)
        mean = chosen.mean(skipna=skipna)
        square = (
            (chosen.std(ddof=0, skipna=skipna) / pd.Timedelta(1)) ** 2 if timed else chosen.var(ddof=0, skipna=skipna)
        )
        if timed:
            mean = (mean - pd.Timestamp(0) if isinstance(mean, pd.Timestamp) else mean) / pd.Timedelta(1)
        return count, mean, square * count

    @staticmethod
    def combine(parts: list[Any], method: str, ddof: int, keywords: Mapping[str, Any]) -> Any:
        if len(parts) == 1:
            return parts[0]
        counts, means, squares = [stacked(list(each)) for each in zip(*parts, strict=True)]
        count = counts.sum()
        keep = counts > 0
        weights = counts.where(keep)
        mean = (weights * means).where(keep, 0).sum(skipna=False) / count
        shift = (weights * (means - mean) ** 2).where(keep, 0).sum(skipna=False)
        return count, mean, squares.where(keep, 0).sum(skipna=False) + shift

    @staticmethod
    def aggregate(parts: list[Any], method: str, ddof: int, keywords: Mapping[str, Any]) -> Any:
        count, _, square = Moments.combine(parts, method, ddof, keywords)
        with np.errstate(all="ignore"):
            variance = square / _positive(count - ddof)
            if method == "var":
                return variance
            return np.sqrt(variance) if method == "std" else np.sqrt(variance / count)


def _is_timed(frame: Any) -> bool:
    return frame.ndim == 1 and frame.dtype.kind in "mM"


def _positive(count: Any) -> Any:
    if isinstance(count, pd.Series):
        return count.where(count > 0)
    return count if count > 0 else np.nan


class Size(Reduction):
    """How many rows there are; of a dataframe, values."""

    @staticmethod
    def chunk(frame: Any) -> int:
        return int(frame.size)

    @staticmethod
    def combine(parts: list[int]) -> int:
        return sum(parts)

    aggregate = combine


class Length(Reduction):
    """How many rows there are."""

    @staticmethod
    def chunk(frame: Any) -> int:
        return len(frame)

    @staticmethod
    def combine(parts: list[int]) -> int:
        return sum(parts)

    aggregate = combine
