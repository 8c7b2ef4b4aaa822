"""GroupbyAggregate: functions of columns of groups, by a tree of partial results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.blocks.trees import tree
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.groupby.aggregation import Aggregation
from plait.lazy.dataframe.groupby.partials import (
    Custom,
    Distinct,
    Extreme,
    Grouping,
    Lists,
    Moments,
    Simple,
    key_names,
    mean_of,
    variance_of,
)
from plait.lazy.dataframe.groupby.specs import Wanted
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.expressions.wrapping import Wrapped


class GroupbyAggregate(FrameExpression):
    """frame.groupby(by) aggregated.

    by: a tuple of labels, and of expressions that are aligned with the frame. wanted: a Wanted for each column of the
    result. like: the meta, Wrapped. sort, dropna, observed: of pandas, None for its default.
    """

    parameters = ("frame", "by", "wanted", "like", "sort", "dropna", "observed", "split_every")
    defaults = {"sort": None, "dropna": None, "observed": None, "split_every": None}
    label = "groupby"
    width: ClassVar[int] = 8

    @cached_property
    def meta(self) -> Any:
        return self.like.held

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return (None, None)

    @cached_property
    def _grouping(self) -> Grouping:
        return Grouping(tuple(key_names(len(self.by))), self.dropna, self.observed, self.sort)

    def layer(self, *inputs: Layer) -> Layer:
        work = _Work(self._grouping, tuple(self.wanted), self.like)
        labels = tuple([None if isinstance(each, FrameExpression) else each for each in self.by])
        operands = [(layer, AXIS) for layer in inputs]
        chunk = partial(_chunk, work, labels)
        chunks = blocks.blockwise(chunk, AXIS, *operands, name=f"{self.name}-chunk")
        width = self.width if self.split_every is None else self.split_every
        return blocks.made(_tree, [chunks], (1,), self.name, work, width or None)


def _tree(keys: Sequence[Any], chunks: Blocks, work: _Work, width: int | None) -> list[Any]:
    return [tree(chunks.nodes, work.combine, work.aggregate, keys[0], width)]


def _chunk(work: _Work, labels: tuple[Any, ...], frame: Any, *others: Any) -> Any:
    rest = iter(others)
    keys = [next(rest) if label is None else label for label in labels]
    return work.chunk(with_keys(frame, keys, work.columns))


def with_keys(frame: Any, keys: Sequence[Any], columns: Iterable[Any]) -> Any:
    """The columns of keys and of values, by place."""
    wanted = list(columns)
    parts = {name: key_values(frame, key) for name, key in zip(key_names(len(keys)), keys, strict=True)}
    found = pd.DataFrame(parts, index=frame.index)
    for place, column in enumerate(wanted):
        found[place] = values_of(frame, column)
    return found


def key_values(frame: Any, key: Any) -> Any:
    """The values of a key for each row: a column, a level of the index, or what is aligned with the frame."""
    if isinstance(key, (pd.Series, pd.Index)):
        return (
            key.reindex(frame.index) if isinstance(key, pd.Series) and not key.index.equals(frame.index) else key.array
        )
    if callable(key) and not (frame.ndim == 2 and key in frame.columns):
        return frame.index.map(key).array
    if frame.ndim == 2 and key in frame.columns:
        return frame[key].array
    return frame.index.get_level_values(key).array


def values_of(frame: Any, column: Any) -> Any:
    """A column, or the values of a series; of a key among them, too."""
    return frame.array if frame.ndim == 1 else frame[column].array


Part = tuple[Any, tuple[Any, ...]]  # a kind of partial, and the columns it is of


class _Work:
    """What is done for an aggregation: which partials are kept, and how columns of the result follow from them."""

    def __init__(self, grouping: Grouping, wanted: tuple[Wanted, ...], like: Wrapped) -> None:
        self.grouping, self.wanted, self.like = grouping, wanted, like
        self.columns = list(dict.fromkeys(each.column for each in wanted))
        self._places = {column: place for place, column in enumerate(self.columns)}
        self.parts = self._parts()

    def __reduce__(self) -> Any:
        return _Work, (self.grouping, self.wanted, self.like)

    def _parts(self) -> dict[Any, Part]:
        """Name -> partial. Those of one kind are made of all their columns at once."""
        together: dict[Any, list[int]] = {}
        kinds: dict[Any, Any] = {}
        for each in self.wanted:
            for name, kind, alone in _needs(each, self._places[each.column]):
                kinds[name] = kind
                places = together.setdefault(name, [])
                if not alone or not places:
                    places.append(self._places[each.column])
        return {name: (kinds[name], tuple(dict.fromkeys(places))) for name, places in together.items()}

    def chunk(self, frame: Any) -> Any:
        return {name: kind.chunk(frame, self.grouping, places) for name, (kind, places) in self.parts.items()}

    def combine(self, found: list[Any]) -> Any:
        return {
            name: kind.combine(concatenated([each[name] for each in found]), self.grouping)
            for name, (kind, _) in self.parts.items()
        }

    def aggregate(self, found: list[Any]) -> Any:
        done = {
            name: kind.finish(concatenated([each[name] for each in found]), self.grouping)
            for name, (kind, _) in self.parts.items()
        }
        index = next(iter(done.values())).index
        if self.grouping.sort is not False and any(
            isinstance(kind, (Moments, Extreme)) for kind, _ in self.parts.values()
        ):
            index = self._sorted_index(found)
        columns = [self._column(each, done, index) for each in self.wanted]
        return self._shaped(columns, index)

    def _sorted_index(self, found: list[Any]) -> Any:
        name = next(iter(self.parts))
        frame = concatenated([each[name] for each in found])
        return self.grouping.of(frame, last=True).size().index

    def _column(self, each: Wanted, done: dict[Any, Any], index: Any) -> Any:
        place, options = self._places[each.column], dict(each.options)
        if isinstance(each.function, Aggregation):
            return done[("custom", each.function.__name__, place)].iloc[:, 0].reindex(index)
        if each.function == "mean":
            return mean_of(done[("sum", ())][place], done[("count", ())][place]).reindex(index)
        if each.function in ("var", "std"):
            found = variance_of(done[("moments", ())].reindex(index), place, options.get("ddof", 1))
            return np.sqrt(found) if each.function == "std" else found
        if each.function == "size":
            return done[("size", ())]["size"]
        if each.function in ("nunique", "list", "idxmin", "idxmax"):
            found = done[(each.function, place)][place].reindex(index)
            return found.fillna(0).astype("int64") if each.function == "nunique" and found.hasnans else found
        minimum = options.get("min_count", 0)
        found = done[(each.function, _kept(each.options))][place]
        if minimum > 0:
            found = found.where(done[("count", ())][place] >= minimum)
        return found if found.index is index else found.reindex(index)

    def _shaped(self, columns: list[Any], index: Any) -> Any:
        meta = self.like.held
        index = index.set_names(meta.index.names)
        if isinstance(meta, pd.Series):
            return pd.Series(columns[0].array, index=index, name=meta.name)
        found = pd.DataFrame({i: column.array for i, column in enumerate(columns)}, index=index)
        found.columns = meta.columns
        return found


def _kept(options: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    """The options that partial results are made with."""
    return tuple([pair for pair in options if pair[0] in ("skipna",)])


def _needs(each: Wanted, place: int) -> list[tuple[Any, Any, bool]]:
    """(name, kind, whether of one column alone) of the partials that a function needs."""
    function, options = each.function, dict(each.options)
    if isinstance(function, Aggregation):
        return [(("custom", function.__name__, place), Custom(function), True)]
    if function == "mean":
        return [(("sum", ()), Simple("sum"), False), (("count", ()), Simple("count"), False)]
    if function in ("var", "std"):
        return [(("moments", ()), Moments(), False)]
    if function == "nunique":
        return [(("nunique", place), Distinct(), True)]
    if function == "list":
        return [(("list", place), Lists(), True)]
    if function in ("idxmin", "idxmax"):
        return [((function, place), Extreme(function, _kept(each.options)), True)]
    kept = _kept(each.options)
    found: list[tuple[Any, Any, bool]] = [((function, kept), Simple(function, kept), False)]
    if options.get("min_count", 0) > 0:
        found.append((("count", ()), Simple("count"), False))
    return found
