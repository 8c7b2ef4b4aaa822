"""Functions of users on partitions: a mixin, and map_partitions() for several frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from plait.lazy.dataframe.aligning import aligned
from plait.lazy.dataframe.elementwise import MapPartitions
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.metas import is_frame_like, make_meta
from plait.lazy.dataframe.operators import operand_of
from plait.lazy.dataframe.reducing import UserReduction
from plait.lazy.expressions.wrapping import Wrapped

NO_DEFAULT = "__no_default__"


def mapped(
    function: Callable[..., Any],
    *args: Any,
    meta: Any = NO_DEFAULT,
    enforce_metadata: bool = True,
    transform_divisions: bool = True,
    clear_divisions: bool = False,
    align_dataframes: bool = True,
    name: str | None = None,
    **keywords: Any,
) -> FrameExpression:
    """The expression function(*args, **keywords), partition by partition. args: frames, scalars, or anything else."""
    if not callable(function):
        raise TypeError(f"first argument must be callable, got {type(function).__name__}")
    values = [operand_of(each) for each in args]
    named = {key: operand_of(value) for key, value in keywords.items()}
    if align_dataframes:
        fitted = aligned([*values, *named.values()])
    else:
        fitted = [*values, *named.values()]
        counts = {each.npartitions for each in fitted if isinstance(each, FrameExpression)} - {1}
        if len(counts) > 1:
            raise ValueError(
                "map_partitions with align_dataframes=False needs frames of the same number of partitions, or one; "
                f"got {sorted(counts)}"
            )
    values, named = fitted[: len(values)], dict(zip(named, fitted[len(values) :], strict=True))
    frames = [each for each in fitted if isinstance(each, FrameExpression) and is_frame_like(each.meta)]
    like = None
    if meta is not NO_DEFAULT and meta is not None:
        index = getattr(frames[0].meta, "index", None) if frames else None
        like = Wrapped(make_meta(meta, index=index))
    return MapPartitions(function, tuple(values), named, like, not clear_divisions, enforce_metadata, name=name)


class Mapping:
    """map_partitions and reduction as methods."""

    def map_partitions(
        self: Any,
        func: Callable[..., Any],
        *args: Any,
        meta: Any = NO_DEFAULT,
        enforce_metadata: bool = True,
        transform_divisions: bool = True,
        clear_divisions: bool = False,
        align_dataframes: bool = False,
        **keywords: Any,
    ) -> Any:
        """func(partition, *args, **keywords) for each partition.

        meta: an empty result; without it found by calling func on two made-up rows. clear_divisions: func changes the
        index. align_dataframes: partitions of frames among the arguments are aligned by their index first.
        """
        return self._new(
            mapped(
                func,
                self,
                *args,
                meta=meta,
                enforce_metadata=enforce_metadata,
                transform_divisions=transform_divisions,
                clear_divisions=clear_divisions,
                align_dataframes=align_dataframes,
                **keywords,
            )
        )

    def _by_partition(self: Any, function: Callable[[Any], Any]) -> Any:
        """A series of function(partition) for each partition."""
        return self._new(
            mapped(_in_series, self, function, meta=(None, "int64"), clear_divisions=True, enforce_metadata=False)
        )

    def align(self: Any, other: Any, join: str = "outer", axis: Any = None, fill_value: Any = None) -> tuple[Any, Any]:
        """Both with the same index, and columns, as pandas' align()."""
        options = {"join": join, "axis": axis, "fill_value": fill_value}
        return tuple([self._new(mapped(_of_aligned, self, other, i, options)) for i in range(2)])

    def combine(self: Any, other: Any, func: Any, fill_value: Any = None, overwrite: bool = True) -> Any:
        """func of columns, or elements, of both, aligned by the index."""
        options = {"fill_value": fill_value} | ({"overwrite": overwrite} if self.ndim == 2 else {})
        return self._new(mapped(_combined, self, other, func, options))

    def combine_first(self: Any, other: Any) -> Any:
        """Missing values from another frame, by the index."""
        return self._new(mapped(_filled_from, self, other))

    def reduction(
        self: Any,
        chunk: Callable[..., Any],
        aggregate: Callable[..., Any] | None = None,
        combine: Callable[..., Any] | None = None,
        meta: Any = NO_DEFAULT,
        token: str | None = None,
        split_every: Any = None,
        chunk_kwargs: dict[str, Any] | None = None,
        aggregate_kwargs: dict[str, Any] | None = None,
        combine_kwargs: dict[str, Any] | None = None,
        **keywords: Any,
    ) -> Any:
        """chunk(partition), then combine and aggregate of what those gave, concatenated."""
        aggregate = chunk if aggregate is None else aggregate
        if combine is None:
            if combine_kwargs:
                raise ValueError("`combine_kwargs` provided with no `combine`; pass combine=")
            combine, combine_kwargs = aggregate, aggregate_kwargs
        options = tuple([{**keywords, **(each or {})} for each in (chunk_kwargs, combine_kwargs, aggregate_kwargs)])
        like = None if meta is NO_DEFAULT else Wrapped(make_meta(meta))
        expression = UserReduction(self.expr, (chunk, combine, aggregate), options, like, split_every)
        return self._new(expression)


def _of_aligned(part: Any, other: Any, number: int, options: dict[str, Any]) -> Any:
    return part.align(other, **options)[number]


def _combined(part: Any, other: Any, func: Any, options: dict[str, Any]) -> Any:
    return part.combine(other, func, **options)


def _filled_from(part: Any, other: Any) -> Any:
    return part.combine_first(other)


def _in_series(part: Any, function: Callable[[Any], Any]) -> Any:
    return pd.Series([function(part)])
