"""Statistics as methods of dataframes and series: a mixin."""

from __future__ import annotations

from typing import Any

from plait.lazy.dataframe.elementwise import Method
from plait.lazy.dataframe.totals import EnoughTotal, Length, Mean, Moments, Size, Total


def _total(method: str) -> Any:
    def total(
        self: Any,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        split_every: Any = None,
        **ignored: Any,
    ) -> Any:
        keywords: dict[str, Any] = {"skipna": skipna}
        if self.ndim == 2:
            keywords["numeric_only"] = numeric_only
        return self._reduced(method, axis, keywords, split_every)

    total.__name__ = method
    total.__doc__ = f"As pandas' {method}(). split_every: how many partial results are combined at a time."
    return total


class Statistics:
    """Reductions. axis=1 works within each row, partition by partition."""

    min = _total("min")
    max = _total("max")

    def _reduced(self: Any, method: str, axis: Any, keywords: dict[str, Any], split_every: Any) -> Any:
        if self._is_across(axis):
            return self._new(Method(self.expr, method, (), {**keywords, "axis": 1}))
        return self._new(Total(self.expr, {"method": method, "keywords": keywords}, split_every))

    def _is_across(self: Any, axis: Any) -> bool:
        """Whether an axis means within rows. Raises ValueError for one that there is not."""
        if axis in (0, "index", None, "rows"):
            return False
        if axis in (1, "columns") and self.ndim == 2:
            return True
        raise ValueError(
            f"No axis named {axis} for object type {type(self).__name__}; pass 0{' or 1' * (self.ndim == 2)}"
        )

    def _summed(
        self: Any, method: str, axis: Any, skipna: bool, numeric_only: bool, min_count: int, split_every: Any
    ) -> Any:
        keywords: dict[str, Any] = {"skipna": skipna}
        if self.ndim == 2:
            keywords["numeric_only"] = numeric_only
        if min_count and self._is_across(axis):
            return self._new(Method(self.expr, method, (), {**keywords, "axis": 1, "min_count": min_count}))
        if min_count:
            options = {"method": method, "keywords": keywords, "minimum": min_count}
            return self._new(EnoughTotal(self.expr, options, split_every))
        return self._reduced(method, axis, keywords, split_every)

    def sum(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        min_count: int = 0,
        split_every: Any = None,
        **_: Any,
    ) -> Any:
        """As pandas' sum()."""
        return self._summed("sum", axis, skipna, numeric_only, min_count, split_every)

    def prod(
        self,
        axis: Any = 0,
        skipna: bool = True,
        numeric_only: bool = False,
        min_count: int = 0,
        split_every: Any = None,
        **_: Any,
    ) -> Any:
        """As pandas' prod()."""
        return self._summed("prod", axis, skipna, numeric_only, min_count, split_every)

    product = prod

    def any(self: Any, axis: Any = 0, skipna: bool = True, split_every: Any = None, **_: Any) -> Any:
        """As pandas' any()."""
        return self._reduced("any", axis, {"skipna": skipna}, split_every)

    def all(self: Any, axis: Any = 0, skipna: bool = True, split_every: Any = None, **_: Any) -> Any:
        """As pandas' all()."""
        return self._reduced("all", axis, {"skipna": skipna}, split_every)

    def count(self: Any, axis: Any = 0, numeric_only: bool = False, split_every: Any = None) -> Any:
        """As pandas' count()."""
        return self._reduced("count", axis, {"numeric_only": numeric_only} if self.ndim == 2 else {}, split_every)

    def mean(
        self: Any, axis: Any = 0, skipna: bool = True, numeric_only: bool = False, split_every: Any = None, **_: Any
    ) -> Any:
        """As pandas' mean()."""
        keywords: dict[str, Any] = {"skipna": skipna, "numeric_only": numeric_only}
        if self._is_across(axis):
            return self._new(Method(self.expr, "mean", (), {**keywords, "axis": 1}))
        self._meta.mean(**keywords)  # raises what pandas raises
        return self._new(Mean(self.expr, {"keywords": keywords}, split_every))

    def _moments(
        self: Any, method: str, axis: Any, skipna: bool, ddof: int, numeric_only: bool, split_every: Any
    ) -> Any:
        keywords: dict[str, Any] = {"skipna": skipna, "numeric_only": numeric_only}
        if self._is_across(axis):
            return self._new(Method(self.expr, method, (), {**keywords, "axis": 1, "ddof": ddof}))
        getattr(self._meta, method)(**keywords)
        return self._new(Moments(self.expr, {"method": method, "ddof": ddof, "keywords": keywords}, split_every))

    def var(
        self,
        axis: Any = 0,
        skipna: bool = True,
        ddof: int = 1,
        numeric_only: bool = False,
        split_every: Any = None,
        **_: Any,
    ) -> Any:
        """As pandas' var()."""
        return self._moments("var", axis, skipna, ddof, numeric_only, split_every)

    def std(
        self,
        axis: Any = 0,
        skipna: bool = True,
        ddof: int = 1,
        numeric_only: bool = False,
        split_every: Any = None,
        **_: Any,
    ) -> Any:
        """As pandas' std()."""
        return self._moments("std", axis, skipna, ddof, numeric_only, split_every)

    def sem(
        self, axis: Any = 0, skipna: bool = True, ddof: int = 1, numeric_only: bool = False, split_every: Any = None
    ) -> Any:
        """As pandas' sem()."""
        return self._moments("sem", axis, skipna, ddof, numeric_only, split_every)

    @property
    def size(self: Any) -> Any:
        """How many values there are, lazily."""
        return self._new(Size(self.expr))

    def __len__(self: Any) -> int:
        """How many rows there are, computed."""
        return int(self._new(Length(self.expr)).compute())
