"""set_index and sort_values as methods, and divisions of what is sorted: a mixin."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from plait.lazy.dataframe.elementwise import IndexOf
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.operators import operand_of
from plait.lazy.dataframe.sampling import Summary
from plait.lazy.dataframe.shuffling import checked_method
from plait.lazy.dataframe.sorting import Once, SetIndex, SetIndexHere, SortValues, WithDivisions, summaries_of
from plait.lazy.expressions import Collection


class Sorting:
    """set_index and sort_values of dataframes."""

    def set_index(
        self: Any,
        other: Any,
        drop: bool = True,
        sorted: bool = False,
        npartitions: Any = None,
        divisions: Sequence[Any] | None = None,
        sort: bool = True,
        shuffle_method: str | None = None,
        upsample: float = 1.0,
        partition_size: float = 128e6,
        append: bool = False,
        max_branch: int | None = None,
        **options: Any,
    ) -> Any:
        """By a new index: a column's label, or an aligned series or index; sorted over all partitions.

        divisions: where partitions begin, and the last value; without it the data is sampled as soon as divisions are
        asked for. sorted: it is sorted already: only the ends of partitions are looked at, now. sort=False: each
        partition gets the index, with its rows as they are. npartitions: how many, at most. shuffle_method: "tasks" or
        "disk". upsample: a larger number takes a larger sample. append: to the index that there is.
        """
        other = self._new_index(other)
        if other is None:
            return self
        if (sorted or not sort) and npartitions is not None:
            raise ValueError(
                "Specifying npartitions with sort=False or sorted=True is not supported. Call `repartition` afterwards."
            )
        bounds = None if divisions is None else checked_divisions(divisions)
        if sorted:
            return self._by_sorted(other, drop, append, bounds)
        if not sort:
            return self._new(SetIndexHere(self.expr, other, drop, append))
        count = None if npartitions in (None, "auto") else int(npartitions)
        method = checked_method(shuffle_method)
        return self._new(SetIndex(self.expr, other, drop, bounds, count, upsample, method, max_branch, append, Once()))

    def _new_index(self: Any, other: Any) -> Any:
        """The operand for a new index; None where it is the index that there is."""
        if isinstance(other, list) and len(other) == 1:
            other = other[0]
        if isinstance(other, list) and any(isinstance(each, Collection) for each in other):
            raise TypeError("List[FrameBase] not supported by set_index; pass one series")
        two_dimensional = isinstance(other, Collection) and other.expr.ndim == 2
        if isinstance(other, list) or two_dimensional:
            raise NotImplementedError(
                "Dask dataframe does not yet support multi-indexes.\n"
                f"You tried to index with this index: {list(other.columns) if two_dimensional else other}\n"
                "Indexes must be single columns only."
            )
        operand = operand_of(other)
        if isinstance(operand, FrameExpression):
            return None if operand.name == IndexOf(self.expr).name else operand
        if operand is not None and operand == self.expr.meta.index.name:
            return None
        if operand not in self.expr.meta.columns:
            raise KeyError(f"{operand!r} is no column; there are {list(self.expr.meta.columns)}")
        return operand

    def _by_sorted(self: Any, other: Any, drop: bool, append: bool, bounds: Any) -> Any:
        if bounds is not None and len(bounds) != self.npartitions + 1:
            raise ValueError(
                "When doing `df.set_index(col, sorted=True, divisions=...)`, divisions indicates known splits in the "
                "index column. In this case divisions must be the same length as the existing divisions in `df`\n\n"
                "If the intent is to repartition into new divisions after setting the index, you probably want:\n\n"
                "`df.set_index(col, sorted=True).repartition(divisions=divisions)`"
            )
        return self._new(SetIndexHere(self.expr, other, drop, append, bounds)).compute_current_divisions(
            set_divisions=True
        )

    def sort_values(
        self: Any,
        by: Any,
        npartitions: Any = None,
        ascending: Any = True,
        na_position: str = "last",
        partition_size: float = 128e6,
        sort_function: Callable[..., Any] | None = None,
        sort_function_kwargs: dict[str, Any] | None = None,
        upsample: float = 1.0,
        ignore_index: bool | None = False,
        shuffle_method: str | None = None,
        max_branch: int | None = None,
        **options: Any,
    ) -> Any:
        """The rows in the order of columns.

        by: a label, or a list; ascending: a bool, or one for each; na_position: where missing values go, "first" or
        "last". sort_function(partition, by=, ascending=, na_position=, ignore_index=, **sort_function_kwargs): sorts a
        partition instead of pandas' sort_values. npartitions: how many; others as of set_index().
        """
        labels = list(by) if isinstance(by, (list, tuple)) else [by]
        if any(not isinstance(each, str) for each in labels):
            raise NotImplementedError(
                f"Dataframes only support sorting by named columns which must be strings; got {by!r}"
            )
        absent = [each for each in labels if each not in self.expr.meta.columns]
        if absent:
            raise KeyError(f"{absent} are no columns; there are {list(self.expr.meta.columns)}")
        if na_position not in ("first", "last"):
            raise ValueError(f"na_position must be either 'first' or 'last', got {na_position!r}")
        orders = list(ascending) if isinstance(ascending, (list, tuple)) else [ascending] * len(labels)
        if len(orders) != len(labels):
            raise ValueError(f"Length of ascending, {len(orders)}, is not the length of by, {len(labels)}")
        count = self.npartitions if npartitions in (None, "auto") else int(npartitions)
        return self._new(
            SortValues(
                self.expr,
                tuple(labels),
                tuple(orders),
                na_position,
                count,
                bool(ignore_index),
                sort_function,
                dict(sort_function_kwargs or {}),
                upsample,
                checked_method(shuffle_method),
                max_branch,
            )
        )


class Dividing:
    """Divisions of dataframes and series, looked for in the data."""

    def compute_current_divisions(self: Any, col: Any = None, set_divisions: bool = False) -> Any:
        """The divisions that the partitions have as they are, computed now: of the index, or of a column.

        set_divisions: the same frame with them; values that are in two partitions come into one. Raises ValueError
        where the partitions are not sorted.
        """
        if col is not None and set_divisions:
            raise NotImplementedError("Can't set divisions of non-index, call set_index instead.")
        if col is None and self.known_divisions:
            return self if set_divisions else self.divisions
        values = IndexOf(self.expr) if col is None else self[col].expr
        summaries = summaries_of(values, None, 1)
        _check_sorted(summaries, col, overlap=set_divisions)
        filled = [place for place, each in enumerate(summaries) if each.low is not None]
        lows, highs = [summaries[place].low for place in filled], [summaries[place].high for place in filled]
        if set_divisions:
            return self._new(WithDivisions(self.expr, tuple(lows), tuple(highs), tuple(filled)))
        return (*_of_all(summaries), highs[-1]) if highs else (None,) * (self.npartitions + 1)


def _of_all(summaries: list[Summary]) -> list[Any]:
    """The least value of each partition; of an empty one that of the next, or the greatest before."""
    found: list[Any] = []
    following = next((each.high for each in reversed(summaries) if each.low is not None), None)
    for each in reversed(summaries):
        following = following if each.low is None else each.low
        found.append(following)
    return found[::-1]


def _check_sorted(summaries: list[Summary], name: Any, overlap: bool) -> None:
    filled = [each for each in summaries if each.low is not None]
    shown = [(each.low, each.high, each.length) for each in summaries]
    of_what = f"{name or 'the index'}: the (min, max, len) of the partitions are {shown}"
    if any(other.low < one.low or other.high < one.high for one, other in pairwise(filled)):
        raise ValueError(f"Partitions are not sorted ascending by {of_what}; call set_index without sorted=True")
    if not overlap and any(other.low <= one.high for one, other in pairwise(filled)):
        warnings.warn(
            "Partitions have overlapping values, so divisions are non-unique. Use `set_index(sorted=True)` with no "
            f"`divisions` to have the overlap resolved. Of {of_what}",
            UserWarning,
            stacklevel=3,
        )


def checked_divisions(divisions: Any) -> tuple[Any, ...]:
    """Divisions that a user gives. Raises ValueError where they do not rise."""
    if not isinstance(divisions, (list, tuple)):
        raise ValueError(f"divisions must be list or tuple, not {type(divisions).__name__}")
    bounds = tuple(divisions)
    if len(bounds) < 2 or any(one > other for one, other in pairwise(bounds)):
        raise ValueError(f"divisions must be sorted, and at least two values; got {divisions!r}")
    if any(one == other for one, other in pairwise(bounds[:-1])):
        raise ValueError(f"divisions must be unique, except for the last element; got {divisions!r}")
    return bounds
