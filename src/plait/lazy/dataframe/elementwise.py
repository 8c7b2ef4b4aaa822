"""Operations on each row alone: operators, methods, functions, columns, filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.lazy.dataframe.expression import Partitionwise


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

    parameters = ("frame", "method", "args", "keywords")
    defaults = {"args": (), "keywords": {}}

    @staticmethod
    def operation(frame: Any, method: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return getattr(frame, method)(*args, **keywords)


class Projection(Partitionwise):
    """frame[columns]: a list gives a dataframe, a label a series."""

    parameters = ("frame", "wanted")
    label = "getitem"

    @staticmethod
    def operation(frame: Any, wanted: Any) -> Any:
        return frame[wanted]


class Filter(Partitionwise):
    """frame[predicate]: the rows where a boolean series, aligned with the frame, is true."""

    parameters = ("frame", "predicate")

    @staticmethod
    def operation(frame: Any, predicate: Any) -> Any:
        return frame[predicate]


class Assign(Partitionwise):
    """frame.assign(label=value): one column added, or replaced."""

    parameters = ("frame", "column", "value")

    @staticmethod
    def operation(frame: Any, column: Any, value: Any) -> Any:
        return frame.assign(**{column: value}) if isinstance(column, str) else _with(frame, column, value)


def _with(frame: Any, column: Any, value: Any) -> Any:
    frame = frame.copy(deep=False)
    frame[column] = value
    return frame
