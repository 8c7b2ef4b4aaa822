"""Quantiles, approximately, and what describe() says of columns: a mixin.

A partition's values are summed up in values at equal steps of their order with weights; summaries are merged, so that a
quantile is exact where there are few values, and within a hundredth of the ranks where there are many.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from plait.lazy.dataframe.mapping import mapped
from plait.lazy.dataframe.reducing import Reduction

STEPS = 1000  # values that stand for a partition


class Quantile(Reduction):
    """series.quantile(q). options: q."""

    @staticmethod
    def chunk(frame: Any, q: Any) -> Any:
        columns = [frame] if isinstance(frame, pd.Series) else [frame.iloc[:, i] for i in range(frame.shape[1])]
        return [_summary(column.dropna()) for column in columns]

    @staticmethod
    def combine(parts: list[Any], q: Any) -> Any:
        return [_merged(list(column)) for column in zip(*parts, strict=True)]

    @staticmethod
    def aggregate(parts: list[Any], q: Any) -> Any:
        return [_at(summary, np.atleast_1d(q)) for summary in Quantile.combine(parts, q)]

    @property
    def steps(self) -> Any:
        chunk, combine, aggregate = super().steps
        meta = self.frame.meta
        labels = list(meta.columns) if meta.ndim == 2 else None
        dtypes = list(meta.dtypes) if meta.ndim == 2 else [meta.dtype]
        return chunk, combine, _Shaped(aggregate, labels, getattr(meta, "name", None), self.options["q"], dtypes)


class _Shaped:
    """Quantiles as pandas gives them: a value, a series, or a dataframe."""

    def __init__(self, aggregate: Any, labels: Any, name: Any, q: Any, dtypes: list[Any]) -> None:
        self._aggregate, self._labels, self._name, self._q, self._dtypes = aggregate, labels, name, q, dtypes

    def __call__(self, parts: list[Any]) -> Any:
        found = [_typed(values, dtype) for values, dtype in zip(self._aggregate(parts), self._dtypes, strict=True)]
        several = np.ndim(self._q) > 0
        if self._labels is None:
            return pd.Series(found[0], index=list(self._q), name=self._name) if several else found[0][0]
        if several:
            return pd.DataFrame(dict(zip(self._labels, found, strict=True)), index=list(self._q))
        return pd.Series([values[0] for values in found], index=self._labels, name=self._q)


def _typed(values: Any, dtype: Any) -> Any:
    return pd.array(values.astype("int64")).astype(dtype) if getattr(dtype, "kind", "") in "mM" else values


def _summary(column: Any) -> Any:
    """(values, weights), sorted."""
    values = np.sort(
        column.to_numpy().view("int64") if column.dtype.kind in "mM" else column.to_numpy().astype("float64")
    )
    if len(values) <= STEPS:
        return values.astype("float64"), np.ones(len(values))
    places = np.linspace(0, len(values) - 1, STEPS)
    return np.interp(places, np.arange(len(values)), values), np.full(STEPS, len(values) / STEPS)


def _merged(summaries: list[Any]) -> Any:
    values, weights = [np.concatenate(each) for each in zip(*summaries, strict=True)]
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def _at(summary: Any, q: Any) -> Any:
    """Values at quantiles: between neighbours in proportion, as pandas' linear interpolation."""
    values, weights = summary
    if not len(values):
        return np.full(len(q), np.nan)
    reached = np.cumsum(weights) - weights[0] if weights[0] == 1 else np.cumsum(weights) - weights / 2
    total = weights.sum() - 1
    return np.interp(np.asarray(q) * max(total, 0), reached, values)


class Describing:
    """A mixin of dataframes and series."""

    def quantile(self: Any, q: Any = 0.5, axis: Any = 0, numeric_only: bool = False, method: str = "default") -> Any:
        """Quantiles, approximately where there are many values."""
        if self._is_across(axis):
            if np.ndim(q):
                raise ValueError("multiple quantiles are not supported with axis=1")
            return self.map_partitions(_across, q, numeric_only)
        if method not in ("default", "dask", "tdigest"):
            raise ValueError(f"method={method!r} is none of 'default', 'dask', 'tdigest'")
        frame = self.select_dtypes(["number"]) if self.ndim == 2 and numeric_only else self
        if any(not _has_order(dtype) for dtype in ([frame.dtype] if frame.ndim == 1 else frame.dtypes)):
            raise TypeError(
                f"quantile() on columns of texts: "
                f"{list(frame.columns) if frame.ndim == 2 else frame.name}; pass numeric_only=True"
            )
        return self._new(Quantile(frame.expr, {"q": list(q) if np.ndim(q) else q}))

    def describe(
        self: Any, split_every: Any = None, percentiles: Any = None, include: Any = None, exclude: Any = None
    ) -> Any:
        """What pandas' describe() says of columns of numbers; quantiles approximately."""
        levels = sorted({0.5, *(percentiles if percentiles is not None else (0.25, 0.5, 0.75))})
        frame = self if self.ndim == 1 else self.select_dtypes(["number", "timedelta"])
        if (frame.ndim == 1 and not _has_order(frame.dtype)) or include is not None or exclude is not None:
            raise NotImplementedError("describe() of texts is not supported; choose columns of numbers")
        if frame.ndim == 2 and not len(frame.columns):
            raise ValueError("DataFrame contains only non-numeric data.")
        return self._new(_described(frame, levels))


def _described(frame: Any, levels: list[float]) -> Any:
    parts = [frame.count(), frame.mean(), frame.std(), frame.min(), frame.quantile(levels), frame.max()]
    return mapped(
        _put_together,
        levels,
        frame._meta.describe(percentiles=levels).index.tolist(),
        *parts,
        meta=frame._meta.describe(percentiles=levels),
        enforce_metadata=False,
        align_dataframes=False,
    )


def _put_together(
    levels: Any, labels: list[str], count: Any, mean: Any, std: Any, least: Any, quantiles: Any, greatest: Any
) -> Any:
    if isinstance(quantiles, pd.DataFrame):
        rows = [count, mean, std, least, *[quantiles.iloc[i] for i in range(len(levels))], greatest]
        return pd.DataFrame([row.to_numpy() for row in rows], index=labels, columns=quantiles.columns).astype("float64")
    return pd.Series([count, mean, std, least, *quantiles.tolist(), greatest], index=labels, name=quantiles.name)


def _has_order(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") in "iufbmM"


def _across(part: Any, q: float, numeric_only: bool) -> Any:
    return part.quantile(q, axis=1, numeric_only=numeric_only)
