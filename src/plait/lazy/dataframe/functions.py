"""Functions of dataframes, beside their methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from plait.lazy.dataframe.creation import from_pandas
from plait.lazy.dataframe.elementwise import MapPartitions
from plait.lazy.dataframe.frames import Frame, collection
from plait.lazy.dataframe.mapping import mapped
from plait.lazy.dataframe.overlapping import overlapped
from plait.lazy.expressions.collection import Collection
from plait.lazy.optimizing import optimize as optimize


def map_partitions(func: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """func(*args, **keywords) for each partition of the frames among the arguments. See DataFrame.map_partitions."""
    return collection(mapped(func, *args, **keywords))


def repartition(df: Any, divisions: Any = None, force: bool = False) -> Any:
    """A dataframe, pandas' or lazy, in partitions by divisions."""
    if isinstance(df, Frame):
        return df.repartition(divisions=divisions, force=force)
    if not isinstance(df, (pd.DataFrame, pd.Series)):
        raise ValueError(f"Data must be DataFrame or Series, got {type(df).__name__}")
    return from_pandas(df, npartitions=1).repartition(divisions=divisions, force=True)


def _by_pandas(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of pandas that looks at each value alone, for lazy series; others go to pandas."""

    def lazily(arg: Any, *args: Any, **keywords: Any) -> Any:
        if not isinstance(arg, Collection):
            return function(arg, *args, **keywords)
        return collection(MapPartitions(function, (arg.expr, *args), keywords))

    lazily.__name__ = function.__name__
    lazily.__doc__ = f"As pandas' {function.__name__}(), partition by partition."
    return lazily


isna = _by_pandas(pd.isna)


def to_numeric(arg: Any, errors: str = "raise", downcast: Any = None, meta: Any = None) -> Any:
    """A series, or a value, as numbers. Raises TypeError for a dataframe."""
    if errors not in ("raise", "coerce"):
        raise ValueError(f"invalid error value specified: {errors!r}; pass 'raise' or 'coerce'")
    if not isinstance(arg, Collection):
        return pd.to_numeric(arg, errors=errors, downcast=downcast)
    if getattr(arg, "ndim", 0) != 1:
        raise TypeError("arg must be a list, tuple, lazy array, or Series")
    like = pd.to_numeric(arg._meta) if meta is None else meta
    return arg.map_partitions(pd.to_numeric, errors=errors, downcast=downcast, meta=like)


def to_datetime(arg: Any, meta: Any = None, **keywords: Any) -> Any:
    """A series, or a dataframe of year, month, day, as times."""
    if not isinstance(arg, Collection):
        return pd.to_datetime(arg, **keywords)
    return arg.map_partitions(
        pd.to_datetime,
        meta=_timed(arg, "datetime64[us]", pd.to_datetime, keywords) if meta is None else meta,
        **keywords,
    )


def to_timedelta(arg: Any, unit: Any = None, errors: str = "raise") -> Any:
    """A series as periods."""
    if not isinstance(arg, Collection):
        return pd.to_timedelta(arg, unit=unit, errors=errors)
    return arg.map_partitions(
        pd.to_timedelta, unit=unit, errors=errors, meta=_timed(arg, "timedelta64[ns]", pd.to_timedelta, {"unit": unit})
    )


def _timed(arg: Any, dtype: str, function: Any, keywords: dict[str, Any]) -> Any:
    """An empty series of times like another."""
    meta = arg._meta
    if isinstance(meta, pd.Index):
        return pd.Index([], dtype=dtype, name=meta.name)
    try:
        found = function(meta, **keywords)
    except (TypeError, ValueError):
        found = pd.Series([], dtype=dtype, index=meta.index[:0], name=getattr(meta, "name", None))
    return found


def map_overlap(func: Callable[..., Any], df: Any, before: Any, after: Any, *args: Any, **options: Any) -> Any:
    """func(df, *args, **keywords), partition by partition with rows of its neighbours; see DataFrame.map_overlap()."""
    return collection(overlapped(func, df, before, after, *args, **options))
