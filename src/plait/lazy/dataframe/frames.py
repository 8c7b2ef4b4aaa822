"""DataFrame, Series, Index, Scalar: lazy pandas objects in partitions. Their methods are in mixins, one a family of
operations; see the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import pandas as pd

from plait.lazy.dataframe.accessors import CachedAccessor, CategoricalAccessor, DatetimeAccessor, StringAccessor
from plait.lazy.dataframe.applying import Applying
from plait.lazy.dataframe.categorizing import Categorizing
from plait.lazy.dataframe.converting import Converting
from plait.lazy.dataframe.correlating import Correlating
from plait.lazy.dataframe.counting import Counting
from plait.lazy.dataframe.describing import Describing
from plait.lazy.dataframe.distinct_methods import DistinctRows, DistinctValues
from plait.lazy.dataframe.elementwise import Assign, IndexOf, Relabelled
from plait.lazy.dataframe.expression import FrameExpression, FromNodes
from plait.lazy.dataframe.extremes import Extremes
from plait.lazy.dataframe.groupby.collections import Grouping
from plait.lazy.dataframe.html import Showing
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.mapping import Mapping
from plait.lazy.dataframe.merging_methods import Merging
from plait.lazy.dataframe.methods import Methods
from plait.lazy.dataframe.operators import NamedOperators, Operators, Ufuncs
from plait.lazy.dataframe.overlapping import Overlapping
from plait.lazy.dataframe.partitioning import Partitioning
from plait.lazy.dataframe.pivoting import Pivoting
from plait.lazy.dataframe.resampling import Resampling
from plait.lazy.dataframe.selecting import DataFrameSelecting, Selecting, SeriesSelecting
from plait.lazy.dataframe.shuffling_methods import Shuffling
from plait.lazy.dataframe.sorting import SetIndexHere
from plait.lazy.dataframe.sorting_methods import Dividing, Sorting
from plait.lazy.dataframe.statistics import Statistics
from plait.lazy.dataframe.storing import Storing, StoringRows
from plait.lazy.dataframe.windows import Windows
from plait.lazy.expressions import Collection
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.expressions.rewriting import rewritten

Self = TypeVar("Self", bound="Frame")


class Frame(Operators, Ufuncs, Collection):
    """What dataframes, series, indexes and scalars have in common."""

    expr: FrameExpression

    @classmethod
    def of(cls: type[Self], expression: FrameExpression) -> Self:
        """The collection that an expression is, of this class."""
        frame = object.__new__(cls)
        frame.__dict__["expr"] = expression
        return frame

    @staticmethod
    def _new(expression: FrameExpression) -> Any:
        """The collection of an expression, of the class that its meta asks for: what methods return."""
        return collection(expression)

    @property
    def divisions(self) -> tuple[Any, ...]:
        """Of n partitions n + 1 index values; all None where that is not known."""
        return self.expr.divisions

    @property
    def npartitions(self) -> int:
        """How many partitions there are."""
        return self.expr.npartitions

    @property
    def known_divisions(self) -> bool:
        """Whether it is known which index values are in which partition."""
        return self.expr.known_divisions

    @property
    def _name(self) -> str:
        return self.expr.name

    @property
    def _meta(self) -> Any:
        return self.expr.meta

    def _of_nodes(self: Self, nodes: list[Any], name: str) -> Self:
        return self.of(FromNodes(Nodes(nodes), self.expr.meta, self.expr.divisions, name=name))

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return concatenated, ()

    def __reduce__(self) -> Any:
        return collection, (self.expr,)


class Tabular(
    Applying,
    Converting,
    Correlating,
    Describing,
    Counting,
    Extremes,
    Grouping,
    Dividing,
    Partitioning,
    Mapping,
    Overlapping,
    Methods,
    NamedOperators,
    Resampling,
    Selecting,
    Showing,
    Shuffling,
    Statistics,
    Storing,
    Windows,
    Frame,
):
    """What dataframes and series have in common."""

    @property
    def ndim(self) -> int:
        """2 for a dataframe, 1 for a series."""
        return self.expr.ndim

    @property
    def index(self) -> Any:
        """The index, lazily."""
        return self._new(IndexOf(self.expr))

    @index.setter
    def index(self, values: Any) -> None:
        self.__dict__["expr"] = SetIndexHere(self.expr, values.expr, True, False, values.expr.divisions)

    def optimize(self, fuse: bool = True) -> Any:
        """The same with the expression that compute() would run."""
        optimized: Any = rewritten([self.expr])[0]
        return self._new(optimized)

    @property
    def empty(self) -> bool:
        """Whether there are no rows, which computes their number."""
        return len(self) == 0

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"<plait.lazy.dataframe.{kind}: {self.expr.columns} in {self.npartitions} partitions, {self._name}>"


class DataFrame(Categorizing, DataFrameSelecting, DistinctRows, Merging, Pivoting, Sorting, StoringRows, Tabular):
    """A lazy pandas.DataFrame."""

    @property
    def columns(self) -> Any:
        """The labels of the columns."""
        return self._meta.columns

    @columns.setter
    def columns(self, labels: Any) -> None:
        if len(labels) != len(self.columns):
            raise ValueError(f"Length mismatch: {len(self.columns)} columns, and {len(labels)} labels {list(labels)}")
        self.__dict__["expr"] = Relabelled(self.expr, list(labels))

    @property
    def dtypes(self) -> Any:
        """The dtypes of the columns."""
        return self._meta.dtypes

    @property
    def shape(self) -> tuple[Any, int]:
        """Rows, lazily, and columns."""
        return self.index.size, len(self.columns)

    @property
    def axes(self) -> list[Any]:
        """The index and the columns."""
        return [self.index, self.columns]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._meta.columns)

    def __contains__(self, label: Any) -> bool:
        return label in self._meta.columns

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "expr":
            raise AttributeError(name)
        if name in self._meta.columns:
            return self[name]
        raise AttributeError(
            f"'DataFrame' object has no attribute {name!r}; its columns are {list(self._meta.columns)}"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("columns", "index", "divisions") or name.startswith("_"):
            object.__setattr__(self, name, value)
        elif name in self._meta.columns:
            self[name] = value
        else:
            object.__setattr__(self, name, value)

    def __delitem__(self, label: Any) -> None:
        self.__dict__["expr"] = self.drop(columns=[label]).expr

    def __setitem__(self, key: Any, value: Any) -> None:
        """Add or replace columns, in this object alone: what was made of it before stays as it was."""
        if isinstance(key, (list, tuple)) and isinstance(value, DataFrame):
            found = self.assign(**{name: value[each] for name, each in zip(key, value.columns, strict=True)})
        elif isinstance(key, pd.Index) and not isinstance(value, list):
            found = self.assign(**dict.fromkeys(key, value))
        elif isinstance(key, (DataFrame, Series)) and key._meta.ndim == 2:
            found = self.mask(key, value)
        else:
            found = self.assign_columns({key: value})
        self.__dict__["expr"] = found.expr

    def __dir__(self) -> list[str]:
        return [
            *object.__dir__(self),
            *[each for each in self.columns if isinstance(each, str) and each.isidentifier()],
        ]


class Series(DistinctValues, SeriesSelecting, Tabular):
    """A lazy pandas.Series."""

    str = CachedAccessor("str", StringAccessor)
    dt = CachedAccessor("dt", DatetimeAccessor)
    cat = CachedAccessor("cat", CategoricalAccessor)

    @property
    def name(self) -> Any:
        """The label."""
        return self._meta.name

    @name.setter
    def name(self, label: Any) -> None:
        self.__dict__["expr"] = Relabelled(self.expr, label)

    @property
    def dtype(self) -> Any:
        """The dtype of the values."""
        return self._meta.dtype

    @property
    def shape(self) -> tuple[Any]:
        """Rows, lazily."""
        return (self.size,)

    @property
    def axes(self) -> list[Any]:
        """The index."""
        return [self.index]

    @property
    def nbytes(self) -> Any:
        """How many bytes the values take, lazily."""
        return self._by_partition(lambda part: part.nbytes).sum()

    def __iter__(self) -> Iterator[Any]:
        for i in range(self.npartitions):
            yield from self.get_partition(i).compute()


class Index(Series):
    """A lazy pandas.Index."""

    @property  # type: ignore[misc]  # it cannot be set either
    def index(self) -> Any:
        """Itself has none."""
        raise AttributeError("'Index' object has no attribute 'index'")


class Scalar(Frame):
    """A lazy value, such as a sum."""

    @property
    def ndim(self) -> int:
        """0."""
        return 0

    @property
    def dtype(self) -> Any:
        """The dtype of the value."""
        return pd.Series([self._meta]).dtype

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _first, ()

    def __bool__(self) -> bool:
        raise TypeError(
            f"Trying to convert {self!r} to a boolean value. Because lazy values are not known, call compute() first"
        )

    def __float__(self) -> float:
        return float(self.compute())

    def __int__(self) -> int:
        return int(self.compute())

    __index__ = __int__

    def __repr__(self) -> str:
        return f"<plait.lazy.dataframe.Scalar: {self._name}, type={type(self._meta).__name__}>"


def collection(expression: FrameExpression) -> Any:
    """The collection for an expression, of the class that its meta asks for."""
    meta = expression.meta
    if isinstance(meta, pd.DataFrame):
        return DataFrame.of(expression)
    if isinstance(meta, pd.Series):
        return Series.of(expression)
    return Index.of(expression) if isinstance(meta, pd.Index) else Scalar.of(expression)


def _first(parts: list[Any]) -> Any:
    return parts[0]


__all__ = ["Assign", "DataFrame", "Frame", "Index", "Scalar", "Series", "Tabular", "collection"]
