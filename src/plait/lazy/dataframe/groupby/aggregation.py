"""Aggregation: a reduction of groups that a user defines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Aggregation:
    """chunk(groups of a partition) gives a series, or a tuple of them; agg(groups of those) combines them, given one
    for each; finalize(*series) makes the result of them.

    name: what the result's column is called.
    """

    def __init__(
        self, name: str, chunk: Callable[..., Any], agg: Callable[..., Any], finalize: Callable[..., Any] | None = None
    ) -> None:
        self.__name__ = name
        self.chunk = chunk
        self.agg = agg
        self.finalize = finalize

    def __dask_tokenize__(self) -> Any:
        return self.__name__, self.chunk, self.agg, self.finalize
