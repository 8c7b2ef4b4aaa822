"""Rows by label and by place: .loc and .iloc."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.elementwise import MapPartitions, Projection
from plait.lazy.dataframe.expression import FrameExpression, Partitionwise, unknown
from plait.lazy.dataframe.repartitioning import partition_of
from plait.lazy.expressions.collection import Collection


class LocSlice(FrameExpression):
    """frame.loc[start:stop], of known divisions: only the partitions that have such rows."""

    parameters = ("frame", "start", "stop")
    label = "loc"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def _ends(self) -> tuple[int, int]:
        """The first and the last partition."""
        divisions = self.frame.divisions
        first = 0 if self.start is None else _first(divisions, self.start)
        last = len(divisions) - 2 if self.stop is None else partition_of(divisions, self.stop)
        return first, max(first, last)

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        old = self.frame.divisions
        first, last = self._ends
        low = old[first] if self.start is None else max(self.start, old[0])
        high = old[last + 1] if self.stop is None else min(self.stop, old[-1])
        if self.start is not None and self.stop is not None and high < low:
            return (low, low)
        return (low, *old[first + 1 : last + 1], high)

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_sliced, inputs, self.numblocks, self.name, self.start, self.stop, *self._ends)


def _first(divisions: Sequence[Any], value: Any) -> int:
    return min(
        max(bisect_right(divisions, value) - 1 if value not in divisions else bisect_left(divisions, value), 0),
        len(divisions) - 2,
    )


def _sliced(keys: Sequence[Any], frame: Blocks, start: Any, stop: Any, first: int, last: int) -> list[Any]:
    chosen = frame.nodes[first : last + 1]
    ends = [(start if i == 0 else None, stop if i == len(keys) - 1 else None) for i in range(len(keys))]
    return [
        make(_loc, (node, slice(*end)), None, None, None, key)
        for key, node, end in zip(keys, chosen, ends, strict=True)
    ]


def _loc(part: Any, key: Any) -> Any:
    if isinstance(part, pd.DataFrame) and isinstance(key, tuple):
        return part.loc[key]
    if isinstance(key, slice) and not part.index.is_monotonic_increasing:
        index = part.index
        keep = np.ones(len(index), dtype=bool)
        if key.start is not None:
            keep &= index >= key.start
        if key.stop is not None:
            keep &= index <= key.stop
        return part[keep]
    return part.loc[key]


class LocLabels(FrameExpression):
    """frame.loc[labels], of known divisions, each in the partition that has it."""

    parameters = ("frame", "labels")
    label = "loc"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def _by_partition(self) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for each in sorted(self.labels):
            found.setdefault(_partition_with(self.frame.divisions, each), []).append(each)
        return found

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        groups = [self._by_partition[i] for i in sorted(self._by_partition)]
        if not groups:
            return unknown(1)
        return (*[group[0] for group in groups], groups[-1][-1])

    def layer(self, *inputs: Layer) -> Layer:
        groups = sorted(self._by_partition.items())
        return blocks.made(_labelled, inputs, self.numblocks, self.name, groups)


def _partition_with(divisions: Sequence[Any], value: Any) -> int:
    return min(max(bisect_right(divisions, value) - 1, 0), len(divisions) - 2)


def _labelled(keys: Sequence[Any], frame: Blocks, groups: list[tuple[int, list[Any]]]) -> list[Any]:
    if not groups:
        return [make(_loc, (frame.nodes[0], []), None, None, None, keys[0])]
    return [
        make(_loc, (frame.nodes[i], labels), None, None, None, key)
        for key, (i, labels) in zip(keys, groups, strict=True)
    ]


class LocEverywhere(Partitionwise):
    """frame.loc[key] in each partition, whose divisions are not known. key: a slice or labels."""

    parameters = ("frame", "key")
    label = "loc"
    is_elementwise = False

    @staticmethod
    def operation(frame: Any, key: Any) -> Any:
        if isinstance(key, slice):
            return _loc(frame, key) if len(frame) else frame
        return frame[frame.index.isin(key)]

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta


class Loc:
    """frame.loc[rows] and frame.loc[rows, columns]."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        frame = self._frame
        if isinstance(key, tuple):
            if len(key) > frame.ndim:
                raise pd.errors.IndexingError("Too many indexers")
            rows, columns = key[0], key[1] if len(key) > 1 else None
            if isinstance(columns, slice):
                columns = list(frame._meta.loc[:, columns].columns)
            if columns is not None:
                frame = self._columns(frame, columns)
            return Loc(frame)._rows(rows)
        return self._rows(key)

    @staticmethod
    def _columns(frame: Any, columns: Any) -> Any:
        wanted = columns.tolist() if isinstance(columns, (np.ndarray, pd.Index, pd.Series)) else columns
        if callable(wanted):
            wanted = wanted(frame)
        if isinstance(wanted, list) and wanted and all(isinstance(each, (bool, np.bool_)) for each in wanted):
            wanted = list(frame._meta.loc[:, wanted].columns)
        return frame._new(Projection(frame.expr, wanted))

    def _rows(self, key: Any) -> Any:
        frame = self._frame
        if isinstance(key, Collection):
            return frame._filtered(key) if _is_bool(key._meta) else self._rows(key.compute())
        if callable(key):
            return self._rows(key(frame))
        if isinstance(key, (pd.Series, pd.Index)) and _is_bool(key):
            return frame._filtered(key)
        if isinstance(key, slice):
            return self._slice(key)
        if isinstance(key, (list, np.ndarray, pd.Series, pd.Index)):
            return self._labels(list(key))
        return self._label(key)

    def _slice(self, key: slice) -> Any:
        frame = self._frame
        if key.step is not None and key.step != 1:
            raise NotImplementedError("a step in .loc needs the places of rows, which are not known; use a mask")
        if key == slice(None):
            return frame
        if not frame.known_divisions:
            return frame._new(LocEverywhere(frame.expr, key))
        start, stop = [
            None if each is None else self._coerced(each, side)
            for each, side in ((key.start, "left"), (key.stop, "right"))
        ]
        return frame._new(LocSlice(frame.expr, start, stop))

    def _coerced(self, value: Any, side: str) -> Any:
        """A bound of the index's type: texts of times are times, periods from their first to their last moment."""
        index = self._frame._meta.index
        if isinstance(index, pd.DatetimeIndex) and isinstance(value, str):
            return index._maybe_cast_slice_bound(value, side)
        return pd.Timestamp(value) if isinstance(index, pd.DatetimeIndex) else value

    def _labels(self, labels: list[Any]) -> Any:
        frame = self._frame
        if labels and all(isinstance(each, (bool, np.bool_)) for each in labels):
            raise KeyError("a list of booleans says nothing of partitions; pass a lazy series")
        if not frame.known_divisions:
            return frame._new(LocEverywhere(frame.expr, labels))
        return frame._new(LocLabels(frame.expr, [self._coerced(each, "left") for each in labels]))

    def _label(self, label: Any) -> Any:
        frame = self._frame
        if not frame.known_divisions:
            return frame._new(LocEverywhere(frame.expr, [label]))
        if isinstance(frame._meta.index, pd.DatetimeIndex) and isinstance(label, str):
            return self._slice(slice(label, label))
        if not frame.divisions[0] <= label <= frame.divisions[-1]:
            raise KeyError(f"the label [{label!r}] is not in the index")
        return frame._new(LocSlice(frame.expr, label, label))


def _is_bool(values: Any) -> bool:
    return bool(pd.api.types.is_bool_dtype(getattr(values, "dtype", None)))


class Iloc:
    """frame.iloc[:, columns]: columns by place; rows have no known places."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, tuple):
            raise NotImplementedError(
                "'DataFrame.iloc' only supports selecting columns. It must be used like 'df.iloc[:, column_indexer]'."
            )
        if len(key) > 2:
            raise ValueError("Too many indexers")
        rows, columns = key
        if rows != slice(None):
            raise NotImplementedError(
                "'DataFrame.iloc' only supports selecting columns. It must be used like 'df.iloc[:, column_indexer]'."
            )
        frame = self._frame
        if not frame.columns.is_unique:
            return frame._new(MapPartitions(_by_place, (frame.expr, columns), {}))
        return frame._new(Projection(frame.expr, _labels_at(frame, columns)))


def _labels_at(frame: Any, columns: Any) -> Any:
    found = frame._meta.columns[columns]
    return list(found) if isinstance(found, pd.Index) else found


def _by_place(part: Any, columns: Any) -> Any:
    return part.iloc[:, columns]
