"""The rows with the greatest or the least values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.reducing import Reduction


class Largest(Reduction):
    """frame.nlargest(n, **keywords), or nsmallest. options: method, n, keywords."""

    @property
    def prefix(self) -> str:
        return str(self.options["method"])

    @staticmethod
    def chunk(frame: Any, method: str, n: int, keywords: Mapping[str, Any]) -> Any:
        return getattr(frame, method)(n, **keywords)

    @staticmethod
    def combine(parts: list[Any], method: str, n: int, keywords: Mapping[str, Any]) -> Any:
        return getattr(concatenated(parts), method)(n, **keywords)

    aggregate = combine


class Extremes:
    """nlargest and nsmallest as methods: a mixin."""

    def nlargest(self: Any, n: int = 5, columns: Any = None, split_every: Any = None) -> Any:
        """The n rows with the greatest values, of some columns of a dataframe."""
        return self._largest("nlargest", n, columns, split_every)

    def nsmallest(self: Any, n: int = 5, columns: Any = None, split_every: Any = None) -> Any:
        """The n rows with the least values."""
        return self._largest("nsmallest", n, columns, split_every)

    def _largest(self: Any, method: str, n: int, columns: Any, split_every: Any) -> Any:
        keywords = {}
        if self.ndim == 2:
            if columns is None:
                raise TypeError(f"{method} of a dataframe needs columns=")
            keywords["columns"] = list(columns) if isinstance(columns, (list, tuple)) else [columns]
        return self._new(Largest(self.expr, {"method": method, "n": n, "keywords": keywords}, split_every))
