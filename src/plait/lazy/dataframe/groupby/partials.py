"""Partial results of groups: what a partition keeps, how that is combined, and what is made of it at last.

A partial is a dataframe with the columns of the keys, called as `key_names` says, and columns of values by their place
among those that are aggregated, one row a group, or a few. It is combined by the same kind of step again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

# Functions that combine as themselves, or as another.
AGAIN = {
    "sum": "sum",
    "prod": "prod",
    "min": "min",
    "max": "max",
    "first": "first",
    "last": "last",
    "any": "any",
    "all": "all",
    "count": "sum",
    "size": "sum",
}


def key_names(count: int) -> list[str]:
    """What the columns of keys are called."""
    return [f"__key_{i}" for i in range(count)]


@dataclass(frozen=True)
class Grouping:
    """How groups are made of columns of keys. keys: their names here."""

    keys: tuple[str, ...]
    dropna: Any = None
    observed: Any = None
    sort: Any = None

    def of(self, frame: Any, last: bool = False) -> Any:
        """Groups of a frame. last: as the user asked; before, no group is made that has no rows."""
        options: dict[str, Any] = {"sort": self.sort is not False if last else False}
        if self.dropna is not None:
            options["dropna"] = self.dropna
        options["observed"] = not (last and self.observed is False)
        return frame.groupby(list(self.keys), **options)


class Simple:
    """sum, min, count, ...: the function again and again."""

    def __init__(self, method: str, options: tuple[tuple[str, Any], ...] = ()) -> None:
        self.method, self.options = method, options

    def chunk(self, frame: Any, grouping: Grouping, columns: Sequence[Any]) -> Any:
        groups = grouping.of(frame)
        if self.method == "size":
            return groups.size().rename("size").reset_index()
        return getattr(groups[list(columns)], self.method)(**dict(self.options)).reset_index()

    def combine(self, frame: Any, grouping: Grouping) -> Any:
        return self._again(grouping.of(frame)).reset_index()

    def finish(self, frame: Any, grouping: Grouping) -> Any:
        """By group; for the user's sorting and categories."""
        return self._again(grouping.of(frame, last=True))

    def _again(self, groups: Any) -> Any:
        again = AGAIN[self.method]
        options = dict(self.options) if again == self.method else {}
        return getattr(groups, again)(**{name: value for name, value in options.items() if name != "numeric_only"})


class Moments:
    """Count, mean and squared differences, combined without cancellation (Chan, Golub, LeVeque)."""

    def chunk(self, frame: Any, grouping: Grouping, columns: Sequence[Any]) -> Any:
        groups = grouping.of(frame)[list(columns)]
        count, mean = groups.count(), groups.mean()
        square = groups.var(ddof=0) * count
        return _moments(count, mean, square)

    def combine(self, frame: Any, grouping: Grouping) -> Any:
        frame = frame.reset_index(drop=True)
        columns = list(dict.fromkeys(name[0] for name in frame.columns if isinstance(name, tuple)))
        count, mean, square = [
            frame[[(column, part) for column in columns]].astype("float64").set_axis(columns, axis=1)
            for part in ("n", "mean", "square")
        ]
        groups = grouping.of(frame)
        number = groups.ngroup().to_numpy()
        total = count.groupby(number).sum()
        middle = (count * mean).groupby(number).sum() / total.where(total > 0)
        shift = mean - middle.reindex(number).to_numpy()
        squares = (square.fillna(0) + (count * shift**2).fillna(0)).groupby(number).sum()
        index = groups.size().index
        kept = [each.loc[each.index >= 0] for each in (total, middle, squares)]
        for each in kept:
            each.index = index
        return _moments(*kept)

    def finish(self, frame: Any, grouping: Grouping) -> Any:
        return self.combine(frame, grouping).set_index(list(grouping.keys))


def _moments(count: Any, mean: Any, square: Any) -> Any:
    parts = []
    for name, values in (("n", count), ("mean", mean), ("square", square)):
        named = values.copy(deep=False)
        named.columns = pd.Index([(column, name) for column in values.columns], tupleize_cols=False)
        parts.append(named)
    return pd.concat(parts, axis=1).reset_index()


class Distinct:
    """The distinct values of one column of each group: for nunique."""

    def chunk(self, frame: Any, grouping: Grouping, columns: Sequence[Any]) -> Any:
        return frame[[*grouping.keys, *columns]].drop_duplicates()

    def combine(self, frame: Any, grouping: Grouping) -> Any:
        return frame.drop_duplicates()

    def finish(self, frame: Any, grouping: Grouping) -> Any:
        return grouping.of(frame.drop_duplicates(), last=True).nunique()


class Lists:
    """All values of one column of each group, in order: for list."""

    def chunk(self, frame: Any, grouping: Grouping, columns: Sequence[Any]) -> Any:
        return grouping.of(frame)[list(columns)].agg(list).reset_index()

    def combine(self, frame: Any, grouping: Grouping) -> Any:
        return self._chained(grouping.of(frame)).reset_index()

    def finish(self, frame: Any, grouping: Grouping) -> Any:
        return self._chained(grouping.of(frame, last=True))

    @staticmethod
    def _chained(groups: Any) -> Any:
        return groups.agg(lambda lists: [value for each in lists for value in each])


class Extreme:
    """The index of the least or the greatest value of one column: idxmin, idxmax."""

    def __init__(self, method: str, options: tuple[tuple[str, Any], ...] = ()) -> None:
        self.method, self.options = method, options

    def chunk(self, frame: Any, grouping: Grouping, columns: Sequence[Any]) -> Any:
        column = columns[0]
        values = frame[[*grouping.keys, column]].copy(deep=False)
        values["__index"] = frame.index
        return self.combine(values.reset_index(drop=True), grouping)

    def combine(self, frame: Any, grouping: Grouping) -> Any:
        frame = frame.reset_index(drop=True)
        column = next(name for name in frame.columns if name not in (*grouping.keys, "__index"))
        chosen = getattr(grouping.of(frame)[column], self.method)(**dict(self.options))
        return frame.loc[chosen.dropna().astype("int64")]

    def finish(self, frame: Any, grouping: Grouping) -> Any:
        best = self.combine(frame, grouping)
        column = next(name for name in best.columns if name not in (*grouping.keys, "__index"))
        found = best.set_index(list(grouping.keys))[["__index"]]
        return found.set_axis([column], axis=1)


class Custom:
    """A user's Aggregation of one column."""

    def __init__(self, aggregation: Any) -> None:
        self.aggregation = aggregation

    def chunk(self, frame: Any, grouping: Grouping, columns: Sequence[Any]) -> Any:
        found = self.aggregation.chunk(grouping.of(frame)[columns[0]])
        parts = found if isinstance(found, tuple) else (found,)
        named = [part.rename(f"part_{i}") for i, part in enumerate(parts)]
        return pd.concat(named, axis=1).reset_index()

    def _aggregated(self, frame: Any, grouping: Grouping, last: bool) -> list[Any]:
        groups = grouping.of(frame, last=last)
        names = [name for name in frame.columns if name not in grouping.keys]
        found = self.aggregation.agg(*[groups[name] for name in names])
        return list(found) if isinstance(found, tuple) else [found]

    def combine(self, frame: Any, grouping: Grouping) -> Any:
        parts = self._aggregated(frame, grouping, False)
        return pd.concat([part.rename(f"part_{i}") for i, part in enumerate(parts)], axis=1).reset_index()

    def finish(self, frame: Any, grouping: Grouping) -> Any:
        parts = self._aggregated(frame, grouping, True)
        if self.aggregation.finalize is not None:
            return self.aggregation.finalize(*parts).to_frame()
        return parts[0].to_frame()


def mean_of(total: Any, count: Any) -> Any:
    """Means, of sums and counts."""
    with np.errstate(all="ignore"):
        return total / count


def variance_of(moments: Any, column: Any, ddof: int) -> Any:
    """Variances, of moments by group."""
    count, square = moments[(column, "n")], moments[(column, "square")]
    free = count - ddof
    return square / free.where(free > 0)
