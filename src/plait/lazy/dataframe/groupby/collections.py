"""DataFrameGroupBy and SeriesGroupBy: what frame.groupby() gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from plait.lazy.dataframe.aligning import aligned
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.groupby.aggregating import GroupbyAggregate
from plait.lazy.dataframe.groupby.aggregation import Aggregation
from plait.lazy.dataframe.groupby.shuffled import method_of, on_groups
from plait.lazy.dataframe.groupby.specs import TREE, Wanted, for_pandas, wanted
from plait.lazy.dataframe.metas import empty_of, make_meta, meta_nonempty
from plait.lazy.dataframe.operators import operand_of
from plait.lazy.expressions import Collection
from plait.lazy.expressions.wrapping import Wrapped

NO_DEFAULT = "__no_default__"


class GroupBy:
    """Groups of rows. frame: lazy; by: labels and series; chosen: a column or a list of them, or None."""

    def __init__(self, frame: Any, by: Any, chosen: Any = None, **options: Any) -> None:
        self.obj = frame
        self._options = {name: value for name, value in options.items() if value is not None}
        self._chosen = chosen
        self.by = list(by) if isinstance(by, list) else [by]
        self._frame, self._by = self._aligned()
        self._meta = self._groups(meta_nonempty(self._frame.meta))

    def _aligned(self) -> tuple[FrameExpression, tuple[Any, ...]]:
        checked = [_checked(self.obj, key) for key in self.by]
        fitted = aligned([self.obj.expr, *[operand_of(each) for each in checked]])
        return fitted[0], tuple([_label(self.obj, each) for each in fitted[1:]])

    @property
    def _names(self) -> list[Any]:
        """What the keys are called."""
        return [
            each.meta.name if isinstance(each, FrameExpression) else None if callable(each) else each
            for each in self._by
        ]

    def _groups(self, frame: Any) -> Any:
        """pandas' groups of a meta."""
        by = [meta_nonempty(each.meta) if isinstance(each, FrameExpression) else each for each in self._by]
        by = [key.set_axis(frame.index) if isinstance(key, pd.Series) else key for key in by]
        groups = frame.groupby(by if len(by) > 1 else by[0], **self._options)
        return groups if self._chosen is None else groups[self._chosen]

    # Aggregations.

    def _columns(self) -> list[Any]:
        """The columns that are aggregated."""
        if self._frame.ndim == 1:
            return [self._frame.meta.name]
        if self._chosen is not None:
            return list(self._chosen) if isinstance(self._chosen, list) else [self._chosen]
        keys = [key for key in self._by if not isinstance(key, FrameExpression)]
        return [column for column in self._frame.columns if column not in keys]

    def _reduced(self, meta: Any, columns: list[Wanted], split_every: Any, split_out: Any) -> Any:
        options = self._options
        if split_every is not None and split_every is not False and split_every < 2:
            raise ValueError("split_every must be an integer >= 2")
        return self.obj._new(
            GroupbyAggregate(
                self._frame,
                self._by,
                tuple(columns),
                Wrapped(empty_of(meta)),
                options.get("sort"),
                options.get("dropna"),
                options.get("observed"),
                split_every,
            )
        )

    def _method(self, method: str, keywords: dict[str, Any], split_every: Any = None, split_out: Any = 1) -> Any:
        """groups.method(**keywords), which pandas has."""
        meta = getattr(self._meta, method)(**keywords)
        if _several(split_out):
            return self._by_shuffle(method_of, (method,), keywords, meta, self._count(split_out))
        kept = tuple([(name, value) for name, value in keywords.items() if name != "numeric_only"])
        labels = list(meta.columns) if isinstance(meta, pd.DataFrame) else self._columns()[:1] or [None]
        if method == "size":
            labels = [self._columns()[0] if self._columns() else None]
        return self._reduced(meta, [Wanted(label, method, kept) for label in labels], split_every, split_out)

    def _count(self, split_out: Any) -> int | None:
        return None if split_out is True else int(split_out)

    def _by_shuffle(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        meta: Any,
        count: int | None = None,
    ) -> Any:
        like = None if meta is None else empty_of(meta)
        names = self._names
        expression = on_groups(
            self._frame, self._by, names, self._chosen, self._options, function, args, keywords, like, count
        )
        return self.obj._new(expression)

    def aggregate(
        self, arg: Any = None, split_every: Any = None, split_out: Any = 1, shuffle_method: Any = None, **named: Any
    ) -> Any:
        """Functions of columns: a name, an Aggregation, a list or a dict of these, or named pairs."""
        if arg is None and not named:
            raise TypeError("agg needs a function, a list or a dict of them, or named pairs (column, function)")
        if arg == "size":
            return self.size(split_every=split_every, split_out=split_out)
        if isinstance(named and next(iter(named.values())), str) and self._frame.ndim == 1:
            named = {name: (self._frame.meta.name, function) for name, function in named.items()}
        meta = (
            self._meta.agg(for_pandas(arg))
            if arg is not None
            else self._meta.agg(
                **{
                    name: pd.NamedAgg(*pair) if self._frame.ndim == 2 and self._is_frame else pair[1]
                    for name, pair in named.items()
                }
            )
        )
        columns = wanted(arg, self._columns(), named)
        if all(isinstance(each.function, Aggregation) or each.function in TREE for each in columns) and not _several(
            split_out
        ):
            return self._reduced(meta, columns, split_every, split_out)
        spec = (for_pandas(arg),) if arg is not None else ()
        return self._by_shuffle(method_of, ("agg", *spec), named if arg is None else {}, meta, self._count(split_out))

    agg = aggregate

    @property
    def _is_frame(self) -> bool:
        return isinstance(self._meta, pd.core.groupby.DataFrameGroupBy)

    def size(self, split_every: Any = None, split_out: Any = 1, **_: Any) -> Any:
        """How many rows each group has."""
        return self._method("size", {}, split_every, split_out)

    def count(self, split_every: Any = None, split_out: Any = 1, **_: Any) -> Any:
        """How many values each group has."""
        return self._method("count", {}, split_every, split_out)

    def value_counts(self, **keywords: Any) -> Any:
        """How often each value is in each group."""
        options = {
            name: value
            for name, value in keywords.items()
            if name not in ("split_every", "split_out", "shuffle_method")
        }
        return self._by_shuffle(method_of, ("value_counts",), options, self._meta.value_counts(**options))

    def get_group(self, key: Any) -> Any:
        """The rows of one group."""
        return self.obj.map_partitions(
            _group,
            self._names,
            self._chosen,
            key,
            *self.by,
            meta=self.obj._meta if self._chosen is None else self.obj._meta[self._chosen],
            enforce_metadata=False,
        )

    # Functions that need all rows of a group.

    def apply(self, func: Any, *args: Any, meta: Any = NO_DEFAULT, shuffle_method: Any = None, **keywords: Any) -> Any:
        """func(group) of each group, put together."""
        like = None if meta is NO_DEFAULT else make_meta(meta)
        return self._by_shuffle(_apply, (func, *args), keywords, like)

    def transform(
        self, func: Any, *args: Any, meta: Any = NO_DEFAULT, shuffle_method: Any = None, **keywords: Any
    ) -> Any:
        """func(group), with as many rows as the group."""
        like = None if meta is NO_DEFAULT else make_meta(meta)
        return self._by_shuffle(_transform, (func, *args), keywords, like)

    def _whole(self, method: str, *args: Any, **keywords: Any) -> Any:
        return self._by_shuffle(method_of, (method, *args), keywords, None)

    def shift(self, periods: int = 1, meta: Any = NO_DEFAULT, shuffle_method: Any = None, **keywords: Any) -> Any:
        """Values of the row so many before, in the same group."""
        like = None if meta is NO_DEFAULT else make_meta(meta)
        return self._by_shuffle(method_of, ("shift", periods), keywords, like)

    def ffill(self, limit: Any = None, shuffle_method: Any = None) -> Any:
        """Missing values from the row before, in the same group."""
        return self._whole("ffill", limit=limit)

    def bfill(self, limit: Any = None, shuffle_method: Any = None) -> Any:
        """Missing values from the row after, in the same group."""
        return self._whole("bfill", limit=limit)

    def cumsum(self, **keywords: Any) -> Any:
        """Running sums in each group."""
        return self._whole("cumsum", **keywords)

    def cumprod(self, **keywords: Any) -> Any:
        """Running products in each group."""
        return self._whole("cumprod", **keywords)

    def cumcount(self) -> Any:
        """Numbers of rows in each group."""
        return self._whole("cumcount")

    def median(
        self, numeric_only: bool = False, split_every: Any = None, split_out: Any = 1, shuffle_method: Any = None
    ) -> Any:
        """Medians."""
        keywords = {"numeric_only": numeric_only}
        return self._by_shuffle(method_of, ("median",), keywords, self._meta.median(**keywords), self._count(split_out))

    def cov(self, ddof: int = 1, numeric_only: bool = False, **_: Any) -> Any:
        """Covariances of columns in each group."""
        return self._whole("cov", ddof=ddof, numeric_only=numeric_only)

    def corr(self, numeric_only: bool = False, **_: Any) -> Any:
        """Correlations of columns in each group."""
        return self._whole("corr", numeric_only=numeric_only)

    def head(self, n: int = 5, **_: Any) -> Any:
        """The first rows of each group."""
        return self._whole("head", n)

    def tail(self, n: int = 5, **_: Any) -> Any:
        """The last rows of each group."""
        return self._whole("tail", n)

    def rolling(
        self, window: Any, min_periods: Any = None, center: bool = False, win_type: Any = None, axis: Any = 0
    ) -> Any:
        """Windows of rows of each group."""
        from plait.lazy.dataframe.groupby.rolling import RollingGroupBy

        return RollingGroupBy(
            self, {"window": window, "min_periods": min_periods, "center": center, "win_type": win_type}
        )


def _group(part: Any, names: list[Any], chosen: Any, key: Any, *by: Any) -> Any:
    groups = part.groupby(list(by) if len(by) > 1 else by[0])
    groups = groups if chosen is None else groups[chosen]
    try:
        return groups.get_group(key)
    except KeyError:
        return (part if chosen is None else part[chosen]).iloc[:0]


def _apply(groups: Any, func: Any, *args: Any, **keywords: Any) -> Any:
    return groups.apply(func, *args, **keywords)


def _transform(groups: Any, func: Any, *args: Any, **keywords: Any) -> Any:
    return groups.transform(func, *args, **keywords)


def _several(split_out: Any) -> bool:
    return split_out is True or (split_out not in (None, False) and split_out > 1)


def _checked(frame: Any, key: Any) -> Any:
    """A key, if there is such a thing. Raises KeyError or NotImplementedError."""
    if isinstance(key, Collection):
        if getattr(key, "ndim", 0) != 1:
            raise NotImplementedError(f"groupby by {type(key).__name__} is not supported; pass a series or labels")
        return key
    if callable(key):
        return key
    if isinstance(key, pd.Series):
        raise NotImplementedError("groupby by a series of pandas is not supported; make it lazy by from_pandas first")
    names = [*(frame._meta.columns if frame.ndim == 2 else []), *frame._meta.index.names]
    if key not in names or key is None:
        raise KeyError(key)
    return key


def _label(frame: Any, key: Any) -> Any:
    """A column of the frame itself is known by its label."""
    from plait.lazy.dataframe.elementwise import Projection

    if isinstance(key, Projection) and key.frame is frame.expr and frame.ndim == 2:
        return key.wanted
    return key


def _by_tree(method: str, *words: str) -> Any:
    def call(
        self: Any, *args: Any, split_every: Any = None, split_out: Any = 1, shuffle_method: Any = None, **keywords: Any
    ) -> Any:
        keywords = {**dict(zip(words, args, strict=False)), **keywords}
        unknown = set(keywords) - set(words)
        if unknown:
            raise TypeError(f"{method}() got an unexpected keyword argument {sorted(unknown)[0]!r}")
        return self._method(method, keywords, split_every, split_out)

    call.__name__ = method
    call.__doc__ = (
        f"As pandas' {method}() of groups, by a tree of partial results. split_out: partitions of the result."
    )
    return call


for _method, _words in {
    "sum": ("numeric_only", "min_count"),
    "prod": ("numeric_only", "min_count"),
    "min": ("numeric_only",),
    "max": ("numeric_only",),
    "first": ("numeric_only",),
    "last": ("numeric_only",),
    "mean": ("numeric_only",),
    "var": ("ddof", "numeric_only"),
    "std": ("ddof", "numeric_only"),
    "idxmin": ("skipna", "numeric_only"),
    "idxmax": ("skipna", "numeric_only"),
    "any": ("skipna",),
    "all": ("skipna",),
}.items():
    setattr(GroupBy, _method, _by_tree(_method, *_words))


class DataFrameGroupBy(GroupBy):
    """Groups of rows of a dataframe."""

    def __getitem__(self, key: Any) -> Any:
        options = self._options
        if isinstance(key, (list, tuple, pd.Index)):
            return DataFrameGroupBy(self.obj, self.by, list(key), **options)
        return SeriesGroupBy(self.obj, self.by, key, **options)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.obj.columns:
            return self[name]
        raise AttributeError(f"'DataFrameGroupBy' object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *[each for each in self.obj.columns if isinstance(each, str)]]


class SeriesGroupBy(GroupBy):
    """Groups of the values of a series, or of one column."""

    def nunique(self, split_every: Any = None, split_out: Any = 1, shuffle_method: Any = None) -> Any:
        """How many distinct values each group has."""
        return self._method("nunique", {}, split_every, split_out)

    def unique(self, split_every: Any = None, split_out: Any = 1, shuffle_method: Any = None) -> Any:
        """The distinct values of each group."""
        return self._by_shuffle(method_of, ("unique",), {}, self._meta.unique())

    @property
    def is_monotonic_increasing(self) -> Any:
        """Whether the values of each group rise."""
        return self._by_shuffle(_monotonic, (), {}, None)


def _monotonic(groups: Any) -> Any:
    return groups.apply(lambda values: values.is_monotonic_increasing)


class Grouping:
    """groupby as a method of dataframes and series: a mixin."""

    def groupby(
        self: Any,
        by: Any = None,
        group_keys: Any = None,
        sort: Any = None,
        observed: Any = None,
        dropna: Any = None,
        **keywords: Any,
    ) -> Any:
        """Groups of rows. by: labels, aligned series, functions of the index, or a list of these."""
        if keywords.pop("axis", 0) not in (0, "index") or keywords:
            raise TypeError(f"groupby() got unexpected keyword arguments {sorted(keywords)}")
        if isinstance(by, tuple) and not (self.ndim == 2 and by in self._meta.columns):
            by = list(by)
        kind = DataFrameGroupBy if self.ndim == 2 else SeriesGroupBy
        return kind(self, by, None, group_keys=group_keys, sort=sort, observed=observed, dropna=dropna)
