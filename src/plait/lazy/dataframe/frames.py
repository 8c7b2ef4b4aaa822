"""DataFrame, Series, Index, Scalar: lazy pandas objects in partitions. Their methods are in mixins, one a family of
operations; see the package.
"""

from __future__ import annotations

from typing import Any, TypeVar

import pandas as pd

from plait.lazy.dataframe.elementwise import Filter, Projection
from plait.lazy.dataframe.expression import FrameExpression, FromNodes
from plait.lazy.dataframe.operators import Operators
from plait.lazy.expressions import Collection
from plait.lazy.expressions.nodes import Nodes

Self = TypeVar("Self", bound="Frame")


class Frame(Operators, Collection):
    """What DataFrame, Series and Index have in common."""

    expr: FrameExpression

    @classmethod
    def of(cls: type[Self], expression: FrameExpression) -> Self:
        """The collection that an expression is, of this class."""
        frame = object.__new__(cls)
        frame.expr = expression
        return frame

    @staticmethod
    def _new(expression: FrameExpression) -> Any:
        """The collection of an expression, of the class that its meta asks for: what methods return."""
        return collection(expression)

    @property
    def divisions(self) -> tuple[Any, ...]:
        return self.expr.divisions

    @property
    def npartitions(self) -> int:
        return self.expr.npartitions

    @property
    def _meta(self) -> Any:
        return self.expr.meta

    def _of_nodes(self: Self, nodes: list[Any], name: str) -> Self:
        return self.of(FromNodes(Nodes(nodes), self.expr.meta, self.expr.divisions, name=name))

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _whole, ()


class DataFrame(Frame):
    """A lazy pandas.DataFrame."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Series):
            return self._new(Filter(self.expr, key.expr))
        return self._new(Projection(self.expr, key))


class Series(Frame):
    """A lazy pandas.Series."""

    def __getitem__(self, key: Any) -> Any:
        return self._new(Filter(self.expr, key.expr))


class Index(Series):
    """A lazy pandas.Index."""


class Scalar(Frame):
    """A lazy value."""

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _first, ()


def collection(expression: FrameExpression) -> Any:
    """The collection for an expression, of the class that its meta asks for."""
    meta = expression.meta
    if isinstance(meta, pd.DataFrame):
        return DataFrame.of(expression)
    if isinstance(meta, pd.Series):
        return Series.of(expression)
    return Index.of(expression) if isinstance(meta, pd.Index) else Scalar.of(expression)


def _whole(parts: list[Any]) -> Any:
    """The partitions of a frame as one."""
    if len(parts) == 1:
        return parts[0]
    filled = [part for part in parts if len(part)] or parts[:1]
    if isinstance(filled[0], pd.Index):
        return filled[0].append(filled[1:])
    return filled[0] if len(filled) == 1 else pd.concat(filled)


def _first(parts: list[Any]) -> Any:
    return parts[0]
