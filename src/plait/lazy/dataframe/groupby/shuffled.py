"""Functions that need all rows of a group: rows are shuffled by the keys, then pandas groups each partition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from plait.lazy.dataframe.expression import FrameExpression, Partitionwise, Together
from plait.lazy.dataframe.groupby.aggregating import key_values
from plait.lazy.dataframe.metas import empty_of, meta_nonempty
from plait.lazy.dataframe.shuffling import Shuffle
from plait.lazy.expressions.wrapping import Wrapped


def temporary(i: int) -> str:
    """What the column of a key is called that is no column of the frame."""
    return f"__by_{i}"


class WithKeys(Partitionwise):
    """A frame with a column for each key; series as dataframes."""

    parameters = ("frame", "by")

    @staticmethod
    def operation(frame: Any, by: Sequence[Any]) -> Any:
        made = frame.to_frame(_name(frame)) if frame.ndim == 1 else frame.copy(deep=False)
        for i, key in enumerate(by):
            values = key_values(frame, key)
            made[temporary(i)] = values
        return made


def _name(series: Any) -> Any:
    return 0 if series.name is None else series.name


class OnGroups(Partitionwise):
    """function(groups, *args, **keywords) for each partition of a frame with keys.

    names: of the keys. chosen: a column, a list of them, or None for all. is_series: the frame was a series. options:
    of pandas' groupby. like: the meta, Wrapped, or None.
    """

    parameters = ("frame", "names", "chosen", "is_series", "options", "function", "args", "keywords", "like")
    label = "groupby"
    keeps_index = False
    is_elementwise = False

    @staticmethod
    def operation(
        frame: Any,
        names: tuple[Any, ...],
        chosen: Any,
        is_series: bool,
        options: dict[str, Any],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        like: Any,
    ) -> Any:
        groups = groups_of(frame, names, chosen, is_series, options)
        found = function(groups, *args, **keywords)
        if like is not None and not len(frame) and type(found) is not type(like.held):
            return like.held
        return found

    @cached_property
    def meta(self) -> Any:
        if self.like is not None:
            return self.like.held
        frame = meta_nonempty(self.frame.meta)
        operands = (frame, *self.operands[1:])
        try:
            return empty_of(type(self).operation(*operands))
        except Exception as error:
            name = getattr(self.function, "__name__", repr(self.function))
            raise ValueError(
                f"Metadata inference failed in `groupby.{name}`.\n\nYou have supplied a custom function and it is not"
                f" possible to find out what it gives; pass meta=.\n\nOriginal error is below:\n{error!r}"
            ) from error

    @cached_property
    def together(self) -> Together:
        is_by_keys = list(self.meta.index.names) == list(self.names) and len(self.frame.together) == 1
        return {tuple(self.names): count for count in self.frame.together.values()} if is_by_keys else {}


def groups_of(frame: Any, names: Sequence[Any], chosen: Any, is_series: bool, options: dict[str, Any]) -> Any:
    """pandas' groups of a frame with keys."""
    columns = [temporary(i) for i in range(len(names))]
    keys = [frame[column].rename(name) for column, name in zip(columns, names, strict=True)]
    data = frame.drop(columns=columns)
    if is_series:
        return data.iloc[:, 0].groupby(keys if len(keys) > 1 else keys[0], **options)
    by: list[Any] = [name if name in data.columns else key for name, key in zip(names, keys, strict=True)]
    groups = data.groupby(by if len(by) > 1 else by[0], **options)
    return groups if chosen is None else groups[chosen]


def on_groups(
    frame: FrameExpression,
    by: Sequence[Any],
    names: Sequence[Any],
    chosen: Any,
    options: dict[str, Any],
    function: Callable[..., Any],
    args: tuple[Any, ...] = (),
    keywords: dict[str, Any] | None = None,
    like: Any = None,
    count: int | None = None,
) -> OnGroups:
    """The expression function(groups), each group whole. count: of the partitions, as many as there were if None."""
    keyed: FrameExpression = WithKeys(frame, tuple(by))
    if keyed.npartitions > 1:
        labels = tuple([temporary(i) for i in range(len(by))])
        keyed = Shuffle(keyed, labels, count or keyed.npartitions)
    meta = None if like is None else Wrapped(like)
    is_series = frame.ndim == 1
    return OnGroups(keyed, tuple(names), chosen, is_series, options, function, args, keywords or {}, meta)


def method_of(groups: Any, method: str, *args: Any, **keywords: Any) -> Any:
    """groups.method(*args, **keywords)."""
    found = getattr(groups, method)(*args, **keywords)
    return found if isinstance(found, (pd.DataFrame, pd.Series)) else pd.Series(found)
