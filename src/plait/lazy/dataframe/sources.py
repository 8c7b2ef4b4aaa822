"""Where dataframes come from: pandas objects in memory."""

from __future__ import annotations

from typing import Any

from plait.lazy.dataframe.frames import Frame, collection
from plait.lazy.dataframe.in_memory import FromPandas as FromPandas
from plait.lazy.expressions.wrapping import Wrapped


def from_pandas(data: Any, npartitions: int = 1, sort: bool = True) -> Frame:
    """A dataframe of a pandas object, in so many partitions of about equal length."""
    if sort and not data.index.is_monotonic_increasing:
        data = data.sort_index()
    step = max(-(-len(data) // npartitions), 1)
    starts = [*range(0, len(data), step), len(data)] if len(data) else [0, 0]
    index = data.index
    bounds: tuple[Any, ...] = (None,) * len(starts)
    if sort and len(data):
        bounds = (*[index[start] for start in starts[:-1]], index[-1])
    return collection(FromPandas(Wrapped(data), bounds, tuple(starts)))
