"""Values counted, and found: value_counts, nunique, idxmin, idxmax: by a tree of partial results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.reducing import Reduction


class ValueCounts(Reduction):
    """series.value_counts(...). options: sort, ascending, dropna, normalize."""

    label = "value-counts"

    @staticmethod
    def chunk(frame: Any, dropna: bool, **_: Any) -> Any:
        return frame.value_counts(sort=False, dropna=dropna)

    @staticmethod
    def combine(parts: list[Any], dropna: bool, **_: Any) -> Any:
        joined = concatenated(parts)
        return joined.groupby(level=0, sort=False, dropna=dropna, observed=False).sum()

    @staticmethod
    def aggregate(parts: list[Any], dropna: bool, sort: bool, ascending: bool, normalize: bool) -> Any:
        found = ValueCounts.combine(parts, dropna=dropna).astype("int64")
        if sort:
            found = found.sort_values(ascending=ascending, kind="stable")
        return (found / found.sum()).rename("proportion") if normalize else found.rename("count")


class Distinct(Reduction):
    """How many distinct values each column has. options: dropna."""

    label = "nunique"

    @staticmethod
    def chunk(frame: Any, dropna: bool) -> Any:
        columns = frame if isinstance(frame, pd.DataFrame) else {frame.name: frame}
        return [pd.Series(columns[label].unique()) for label in columns]

    @staticmethod
    def combine(parts: list[Any], dropna: bool) -> Any:
        return [pd.Series(concatenated(list(column)).unique()) for column in zip(*parts, strict=True)]

    @staticmethod
    def aggregate(parts: list[Any], dropna: bool) -> Any:
        return [column.nunique(dropna=dropna) for column in Distinct.combine(parts, dropna)]

    @property
    def steps(self) -> Any:
        chunk, combine, aggregate = super().steps
        columns = self.frame.columns if self.frame.ndim == 2 else None
        return chunk, combine, _Shaped(aggregate, columns)


class _Shaped:
    """One count, or a series of them by column."""

    def __init__(self, aggregate: Any, columns: Any) -> None:
        self._aggregate, self._columns = aggregate, columns

    def __call__(self, parts: list[Any]) -> Any:
        counts = self._aggregate(parts)
        return counts[0] if self._columns is None else pd.Series(counts, index=self._columns)


class Extreme(Reduction):
    """Where the least or the greatest value of each column is. options: method, keywords."""

    label = "idx"

    @property
    def prefix(self) -> str:
        return str(self.options["method"])

    @staticmethod
    def chunk(frame: Any, method: str, keywords: Mapping[str, Any]) -> Any:
        values = frame if isinstance(frame, pd.DataFrame) else frame.to_frame()
        best = {}
        for place, label in enumerate(values.columns):
            column = values.iloc[:, place].dropna()
            if len(column):
                at = getattr(column.reset_index(drop=True), method)()
                best[label] = (column.iloc[at], column.index[at])
        return [best], list(values.columns), isinstance(frame, pd.DataFrame)

    @staticmethod
    def combine(parts: list[Any], method: str, keywords: Mapping[str, Any]) -> Any:
        found: dict[Any, Any] = {}
        for best in [each for part in parts for each in part[0]]:
            for label, (value, at) in best.items():
                known = found.get(label)
                better = known is None or (value < known[0] if method == "idxmin" else value > known[0])
                if better:
                    found[label] = (value, at)
        return [found], parts[0][1], parts[0][2]

    @staticmethod
    def aggregate(parts: list[Any], method: str, keywords: Mapping[str, Any]) -> Any:
        (found,), labels, several = Extreme.combine(parts, method, keywords)
        places = [found[label][1] if label in found else np.nan for label in labels]
        return pd.Series(places, index=labels) if several else places[0]


class Counting:
    """A mixin of dataframes and series."""

    def value_counts(
        self: Any,
        sort: bool = True,
        ascending: bool = False,
        dropna: bool = True,
        normalize: bool = False,
        split_every: Any = None,
        **_: Any,
    ) -> Any:
        """How often each value of a series is there."""
        if self.ndim != 1:
            raise AttributeError("'DataFrame' object has no attribute 'value_counts'; choose a column")
        options = {"sort": sort, "ascending": ascending, "dropna": dropna, "normalize": normalize}
        return self._new(ValueCounts(self.expr, options, split_every))

    def nunique(self: Any, axis: Any = 0, dropna: bool = True, split_every: Any = None) -> Any:
        """How many distinct values there are."""
        if self._is_across(axis):
            return self.map_partitions(_distinct_across, dropna)
        return self._new(Distinct(self.expr, {"dropna": dropna}, split_every))

    def idxmin(self: Any, axis: Any = 0, skipna: bool = True, split_every: Any = None, **_: Any) -> Any:
        """The index of the least value."""
        return self._extreme("idxmin", axis, skipna, split_every)

    def idxmax(self: Any, axis: Any = 0, skipna: bool = True, split_every: Any = None, **_: Any) -> Any:
        """The index of the greatest value."""
        return self._extreme("idxmax", axis, skipna, split_every)

    def _extreme(self: Any, method: str, axis: Any, skipna: bool, split_every: Any) -> Any:
        if self._is_across(axis):
            return self.map_partitions(_extreme_across, method, skipna)
        return self._new(Extreme(self.expr, {"method": method, "keywords": {}}, split_every))


def _distinct_across(part: Any, dropna: bool) -> Any:
    return part.nunique(axis=1, dropna=dropna)


def _extreme_across(part: Any, method: str, skipna: bool) -> Any:
    return getattr(part, method)(axis=1, skipna=skipna)
