"""Choosing columns and rows, and adding columns: mixins."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from plait.lazy.dataframe.aligning import aligned
from plait.lazy.dataframe.elementwise import Assign, Filter, Method, Projection, Relabelled, RowsMethod
from plait.lazy.dataframe.expression import Together, unknown
from plait.lazy.dataframe.heads import Head, Tail
from plait.lazy.dataframe.indexing import Iloc, Loc
from plait.lazy.dataframe.methods import lazily
from plait.lazy.dataframe.operators import operand_of
from plait.lazy.expressions.collection import Collection


class Selecting:
    """Rows of dataframes and series."""

    @property
    def loc(self) -> Loc:
        """Rows by label: of known divisions only the partitions that have them are computed."""
        return Loc(self)

    def _filtered(self: Any, predicate: Any) -> Any:
        frame, chosen = aligned([self.expr, operand_of(predicate)])
        return self._new(Filter(frame, chosen))

    def head(self: Any, n: int = 5, npartitions: int = 1, compute: bool = True) -> Any:
        """The first n rows of the first partitions; -1 for all of these. compute: now."""
        return _at_once(self, Head(self.expr, n, self._some(npartitions)), compute, n)

    def tail(self: Any, n: int = 5, compute: bool = True) -> Any:
        """The last n rows of the last partition."""
        return _at_once(self, Tail(self.expr, n), compute, None)

    def _some(self: Any, npartitions: int) -> int:
        if npartitions > self.npartitions:
            raise ValueError(
                f"only {self.npartitions} partitions, head received {npartitions}; pass fewer, or -1 for all"
            )
        return int(self.npartitions if npartitions <= -1 else npartitions)

    def to_frame(self: Any, *args: Any, **keywords: Any) -> Any:
        """As a dataframe of one column."""
        return self if self.ndim == 2 else self._new(Method(self.expr, "to_frame", args, keywords))

    def reset_index(self: Any, drop: bool = False) -> Any:
        """The index as columns; rows are numbered in each partition anew."""
        return self._new(ResetIndex(self.expr, drop))

    def copy(self: Any, deep: bool = False) -> Any:
        """Another object of the same expression. Raises ValueError for deep=True: there is no data yet."""
        if deep is not False:
            raise ValueError("The `deep` value must be False. This is strictly a shallow copy of the underlying graph")
        return self._new(self.expr)

    def squeeze(self: Any, axis: Any = None) -> Any:
        """A dataframe of one column as a series."""
        if self.ndim == 1 or (axis in (0, "index")):
            if axis in (0, "index"):
                raise NotImplementedError("Squeezing rows is not defined; pass axis='columns'")
            return self
        return self if len(self.columns) != 1 else self[self.columns[0]]

    def pipe(self, func: Any, *args: Any, **keywords: Any) -> Any:
        """func(self, *args, **keywords); of a pair (func, name) with self as that keyword."""
        if isinstance(func, tuple):
            func, target = func
            if target in keywords:
                raise ValueError(f"{target} is both the pipe target and a keyword argument")
            return func(*args, **{**keywords, target: self})
        return func(self, *args, **keywords)


class ResetIndex(RowsMethod):
    """frame.reset_index(drop), partition by partition."""

    parameters: ClassVar[tuple[str, ...]] = ("frame", "drop")
    label = "reset-index"
    keeps_index = False

    @property
    def prefix(self) -> str:
        return self.label

    @staticmethod
    def operation(frame: Any, drop: bool) -> Any:  # type: ignore[override]
        return frame.reset_index(drop=drop)

    @cached_property
    def together(self) -> Together:
        known: Together = self.frame.together
        kept = set(self.columns)
        return {labels: count for labels, count in known.items() if not self.drop or kept.issuperset(labels)}


def _at_once(frame: Any, expression: Any, compute: bool, expected: int | None) -> Any:
    found = frame._new(expression)
    if not compute:
        return found
    found = found.compute()
    if (
        expected is not None
        and expected > 0
        and len(found) < expected
        and expression.npartitions_read < frame.npartitions
    ):
        warnings.warn(
            f"Insufficient elements for `head`. {expected} elements requested, only {len(found)} elements available. "
            "Try passing larger `npartitions` to `head`.",
            stacklevel=3,
        )
    return found


class DataFrameSelecting:
    """Columns of dataframes."""

    @property
    def iloc(self) -> Iloc:
        """Columns by place."""
        return Iloc(self)

    def __getitem__(self: Any, key: Any) -> Any:
        if isinstance(key, Collection):
            if getattr(key, "ndim", 0) == 2:
                return self.where(key)
            if getattr(key, "ndim", None) == 1:
                return self._filtered(key)
            raise NotImplementedError(f"a lazy dataframe is not indexed by {type(key).__name__}; compute it first")
        if isinstance(key, slice):
            return self._rows(key)
        if isinstance(key, pd.Series) and pd.api.types.is_bool_dtype(key.dtype):
            return self._filtered(key)
        wanted = list(key) if isinstance(key, (np.ndarray, pd.Index, pd.Series, list)) else key
        return self._new(Projection(self.expr, _plain(wanted)))

    def _rows(self: Any, key: slice) -> Any:
        if key == slice(None):
            return self
        kinds = "iuf"
        if pd.api.types.is_float_dtype(self._meta.index.dtype) or not any(
            isinstance(each, (int, np.integer)) for each in (key.start, key.stop)
        ):
            return self.loc[key]
        raise NotImplementedError(f"rows by number are not known in partitions; use .loc[{key}] ({kinds})")

    def assign(self: Any, **columns: Any) -> Any:
        """With columns added or replaced; a function gets the dataframe so far."""
        return self.assign_columns(columns)

    def assign_columns(self: Any, columns: dict[Any, Any]) -> Any:
        """As assign(), for labels that are no identifiers."""
        expression = self.expr
        for label, value in columns.items():
            found = value(self._new(expression)) if callable(value) and not isinstance(value, Collection) else value
            if isinstance(found, (list, np.ndarray)):
                raise TypeError(
                    f"Column assignment doesn't support type {type(found).__name__}; pass a series, or a value"
                )
            frame, operand = aligned([expression, operand_of(found)])
            expression = Assign(frame, label, operand)
        return self._new(expression)

    def rename(self: Any, index: Any = None, columns: Any = None) -> Any:
        """With other column labels: a mapping, or a function."""
        if index is not None:
            raise ValueError("Cannot rename index of a lazy dataframe; use map_partitions, or set_index")
        return self._new(Relabelled(self.expr, list(self._meta.rename(columns=columns).columns)))

    def drop(self: Any, labels: Any = None, axis: Any = 0, columns: Any = None, errors: str = "raise") -> Any:
        """Without some columns."""
        if columns is None and labels is None:
            raise TypeError("must either specify 'columns' or 'labels'")
        if columns is None and axis not in (1, "columns"):
            raise NotImplementedError("Drop currently only works for axis=1 or when columns is not None")
        kept = self._meta.drop(columns=labels if columns is None else columns, errors=errors)
        return self._new(Projection(self.expr, list(kept.columns)))

    def select_dtypes(self: Any, include: Any = None, exclude: Any = None) -> Any:
        """The columns of some dtypes."""
        return self[list(self._meta.select_dtypes(include=include, exclude=exclude).columns)]

    def pop(self: Any, item: Any) -> Any:
        """A column, which this object has no more."""
        column = self[item]
        del self[item]
        return column

    def items(self: Any) -> Any:
        """Pairs of label and column."""
        for label in self.columns:
            yield label, self[label]

    def keys(self: Any) -> Any:
        """The labels of the columns."""
        return self.columns

    def iterrows(self: Any) -> Any:
        """Rows, as pandas' iterrows(), a partition computed at a time."""
        for i in range(self.npartitions):
            yield from self.get_partition(i).compute().iterrows()

    def itertuples(self: Any, index: bool = True, name: str = "Pandas") -> Any:
        """Rows, as pandas' itertuples(), a partition computed at a time."""
        for i in range(self.npartitions):
            yield from self.get_partition(i).compute().itertuples(index=index, name=name)

    query = lazily("query", RowsMethod)


def _plain(wanted: Any) -> Any:
    return (
        [each.item() if isinstance(each, np.generic) else each for each in wanted]
        if isinstance(wanted, list)
        else wanted
    )


class SeriesSelecting:
    """Rows of series, and their name."""

    def __getitem__(self: Any, key: Any) -> Any:
        if isinstance(key, (Collection, pd.Series)):
            return self._filtered(key)
        raise NotImplementedError(
            f"Series getitem is only supported for other series objects with matching partition structure, not "
            f"{type(key).__name__}; use .loc"
        )

    def rename(self: Any, index: Any = None, sorted_index: bool = False) -> Any:
        """With another name; a function or a mapping changes the index, in each partition."""
        if callable(index) or isinstance(index, dict):
            return self._new(RenamedIndex(self.expr, index, sorted_index))
        return self._new(Relabelled(self.expr, index))

    def items(self: Any) -> Any:
        """Pairs of index value and value, a partition computed at a time."""
        for i in range(self.npartitions):
            yield from self.get_partition(i).compute().items()

    iteritems = items


class RenamedIndex(RowsMethod):
    """series.rename(mapping of the index)."""

    parameters: ClassVar[tuple[str, ...]] = ("frame", "mapping", "is_sorted")
    label = "rename"

    @property
    def prefix(self) -> str:
        return self.label

    @staticmethod
    def operation(frame: Any, mapping: Any, is_sorted: bool) -> Any:  # type: ignore[override]
        return frame.rename(mapping)

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        old = self.frame.divisions
        if not (self.is_sorted and self.frame.known_divisions):
            return unknown(len(old) - 1)
        new = pd.Series(1, index=list(old)).rename(self.mapping).index
        if not new.is_monotonic_increasing:
            raise ValueError(f"sorted_index=True, but the new divisions {list(new)} are not sorted; leave it out")
        return tuple(new)
