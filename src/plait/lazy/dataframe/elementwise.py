"""Operations on each row alone: operators, methods, functions, columns, filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from plait.lazy.dataframe.expression import FrameExpression, Partitionwise, Together
from plait.lazy.dataframe.metas import empty_of, meta_nonempty
from plait.lazy.functions import funcname


def relabelled(known: Together, old: Sequence[Any], new: Sequence[Any]) -> Together:
    """What is known of a frame whose columns get other labels."""
    names = dict(zip(old, new, strict=False))
    return {tuple([names.get(label, label) for label in labels]): count for labels, count in known.items()}


class Binary(Partitionwise):
    """function(left, right), one of the module `operator`: of two aligned expressions, or an expression and a value."""

    parameters = ("function", "left", "right")

    @staticmethod
    def operation(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        return function(left, right)


class Unary(Partitionwise):
    """function(frame), one of the module `operator`."""

    parameters = ("function", "frame")

    @staticmethod
    def operation(function: Callable[[Any], Any], frame: Any) -> Any:
        return function(frame)


class Method(Partitionwise):
    """frame.method(*args, **keywords), of pandas' methods that look at each row alone."""

    parameters: ClassVar[tuple[str, ...]] = ("frame", "method", "args", "keywords")
    defaults = {"args": (), "keywords": {}}
    label = "method"

    @cached_property
    def together(self) -> Together:
        frame: FrameExpression = self.frame
        if self.method == "to_frame":
            return relabelled(frame.together, frame.columns, self.columns)
        return frame.together if self.method == "dropna" else {}

    @staticmethod
    def operation(frame: Any, method: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return getattr(frame, method)(*args, **keywords)

    @property
    def prefix(self) -> str:
        return str(self.method).replace("_", "-")


class RowsMethod(Method):
    """A method that needs other rows of the partition, or drops some."""

    is_elementwise = False


def accessed(values: Any, accessor: str) -> Any:
    """What has the methods of an accessor: of indexes of times and categories, these themselves."""
    kinds: dict[str, Any] = {"dt": (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex), "cat": pd.CategoricalIndex}
    return values if isinstance(values, kinds.get(accessor, ())) else getattr(values, accessor)


class AccessorMethod(Partitionwise):
    """series.ACCESSOR.method(*args, **keywords), of `str`, `dt`, `cat` or a registered one."""

    parameters = ("frame", "accessor", "method", "args", "keywords")
    defaults = {"args": (), "keywords": {}}
    label = "accessor"

    @staticmethod
    def operation(frame: Any, accessor: str, method: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return getattr(accessed(frame, accessor), method)(*args, **keywords)


class AccessorProperty(Partitionwise):
    """series.ACCESSOR.attribute."""

    parameters = ("frame", "accessor", "attribute")
    label = "accessor"

    @staticmethod
    def operation(frame: Any, accessor: str, attribute: str) -> Any:
        found = getattr(accessed(frame, accessor), attribute)
        if isinstance(found, (pd.Series, pd.Index)) or not isinstance(frame, pd.Series):
            return found
        return pd.Series(found, index=frame.index, name=frame.name)


class Projection(Partitionwise):
    """frame[columns]: a list gives a dataframe, a label a series."""

    parameters = ("frame", "wanted")
    label = "getitem"

    @cached_property
    def together(self) -> Together:
        return dict(self.frame.together)

    @staticmethod
    def operation(frame: Any, wanted: Any) -> Any:
        return frame[wanted]

    @cached_property
    def meta(self) -> Any:
        return empty_of(self.frame.meta[self.wanted])


class Filter(Partitionwise):
    """frame[predicate]: the rows where a boolean series, aligned with the frame, is true."""

    parameters = ("frame", "predicate")

    @cached_property
    def together(self) -> Together:
        return dict(self.frame.together)

    @staticmethod
    def operation(frame: Any, predicate: Any) -> Any:
        return frame[predicate]

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta


class Assign(Partitionwise):
    """frame with one column added, or replaced."""

    parameters = ("frame", "column", "value")

    @cached_property
    def together(self) -> Together:
        return {labels: count for labels, count in self.frame.together.items() if self.column not in labels}

    @staticmethod
    def operation(frame: Any, column: Any, value: Any) -> Any:
        made = frame.copy(deep=False)
        made[column] = value
        return made


class Relabelled(Partitionwise):
    """frame with other column labels, or a series or an index with another name."""

    parameters = ("frame", "labels")
    label = "rename"

    @cached_property
    def together(self) -> Together:
        return relabelled(self.frame.together, self.frame.columns, self.columns)

    @staticmethod
    def operation(frame: Any, labels: Any) -> Any:
        made = frame.copy(deep=False) if not isinstance(frame, pd.Index) else frame
        if isinstance(frame, pd.DataFrame):
            made.columns = labels
            return made
        return made.rename(labels)


class IndexOf(Partitionwise):
    """frame.index."""

    parameters = ("frame",)
    label = "index"

    @cached_property
    def together(self) -> Together:
        names = set(self.frame.meta.index.names)
        return {labels: count for labels, count in self.frame.together.items() if names.issuperset(labels)}

    @staticmethod
    def operation(frame: Any) -> Any:
        return frame.index


class MapPartitions(Partitionwise):
    """function(*args, **keywords) for each partition, a user's. like: the meta, or None; kept: whether divisions are.

    enforce: check each result against the meta, and rename its columns.
    """

    parameters = ("function", "args", "keywords", "like", "kept", "enforce")
    defaults = {"like": None, "kept": True, "enforce": False}
    is_elementwise = False

    @property
    def prefix(self) -> str:
        return funcname(self.function)

    @staticmethod
    def operation(
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        like: Any,
        kept: bool,
        enforce: bool,
    ) -> Any:
        found = function(*args, **keywords)
        return enforced(found, like.held, function) if enforce and like is not None else found

    @cached_property
    def meta(self) -> Any:
        if self.like is not None:
            return self.like.held
        return self.emulated()

    def emulated(self) -> Any:
        """The meta of the function's result, found by calling it on metas of two rows."""
        values = [meta_nonempty(each.meta) for each in self.inputs]
        try:
            return empty_of(self._on(values))
        except Exception as error:
            name = getattr(self.function, "__name__", repr(self.function))
            raise ValueError(
                f"Metadata inference failed in `{name}`.\n\nYou have supplied a custom function and it is not "
                f"possible to"
                f" find out what it gives; pass meta=.\n\nOriginal error is below:\n{error!r}"
            ) from error

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        found = super().divisions
        return found if self.kept else (None,) * len(found)


def enforced(found: Any, meta: Any, function: Any) -> Any:
    """A result that is what was promised, its columns renamed. Raises ValueError where it is not."""
    if isinstance(meta, pd.DataFrame) and isinstance(found, pd.DataFrame):
        if found.shape[1] != meta.shape[1] and len(found):
            raise ValueError(
                f"The columns in the computed data do not match the columns in the provided metadata: "
                f"{list(found.columns)}, expected {list(meta.columns)}; pass meta= of what {function!r} gives"
            )
        if not len(found) and found.shape[1] != meta.shape[1]:
            return meta
        if not found.columns.equals(meta.columns):
            found = found.copy(deep=False)
            found.columns = meta.columns
        return found
    if isinstance(meta, pd.Series) and isinstance(found, pd.Series) and found.name != meta.name:
        return found.rename(meta.name)
    return found
