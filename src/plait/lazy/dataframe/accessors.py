"""The accessors of series: str, dt, cat, and those that users register. Each attribute is that of pandas, partition by
partition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from plait.lazy.dataframe.elementwise import AccessorMethod, AccessorProperty, accessed
from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES
from plait.lazy.expressions.collection import expressions_of


class Accessor:
    """series.NAME: methods and attributes of pandas' accessor of that name."""

    name: str

    def __init__(self, series: Any) -> None:
        self._series = series
        self._meta = accessed(series._meta, self.name)  # raises AttributeError where the dtype has none

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_") or not hasattr(self._meta, attribute):
            raise AttributeError(f"{type(self._meta).__name__!r} object has no attribute {attribute!r}")
        if callable(getattr(self._meta, attribute)):
            return self._method(attribute)
        return self._series._new(AccessorProperty(self._series.expr, self.name, attribute))

    def _method(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            return self._called(method, args, keywords)

        call.__name__ = method
        call.__doc__ = f"As pandas' {self.name}.{method}(), partition by partition."
        return call

    def _called(self, method: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        values = tuple([expressions_of(each) for each in args])
        named = {name: expressions_of(each) for name, each in keywords.items()}
        return self._series._new(AccessorMethod(self._series.expr, self.name, method, values, named))

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *[each for each in dir(self._meta) if not each.startswith("_")]})


class StringAccessor(Accessor):
    """series.str."""

    name = "str"

    def __getitem__(self, index: Any) -> Any:
        return self._called("__getitem__", (index,), {})

    def _splitting(self, method: str, pat: Any, n: int, expand: bool) -> Any:
        if not expand:
            return self._called(method, (pat,), {"n": n})
        if n == -1:
            raise NotImplementedError(
                "To use the expand parameter you must specify the number of expected splits with the n= parameter."
            )
        example = " ".join(["a"] * (2 * n)) if pat is None else str(pat).join(["a"] * (n + 1))
        meta = getattr(pd.Series([example], dtype=self._series._meta.dtype, index=pd.RangeIndex(1)).str, method)(
            pat, n=n, expand=True
        ).iloc[:0]
        meta.index = self._series._meta.index[:0]
        return self._series.map_partitions(_split, method, pat, n, meta.shape[1], meta=meta)

    def split(self, pat: Any = None, n: int = -1, expand: bool = False) -> Any:
        """As pandas' str.split(); with expand=True n says how many columns there are."""
        return self._splitting("split", pat, n, expand)

    def rsplit(self, pat: Any = None, n: int = -1, expand: bool = False) -> Any:
        """As pandas' str.rsplit()."""
        return self._splitting("rsplit", pat, n, expand)

    def cat(self, others: Any = None, sep: Any = None, na_rep: Any = None) -> Any:
        """Texts of several series joined, row by row. Without others all texts are one: that is not lazy."""
        if others is None:
            return self._series.reduction(_catted, sep=sep, na_rep=na_rep, meta=str)
        found = list(others) if isinstance(others, (list, tuple)) else [others]
        if not all(hasattr(each, "expr") or isinstance(each, (pd.Series, pd.Index)) for each in found):
            raise TypeError("others must be Series/Index")
        return self._series.map_partitions(_cat, *found, sep=sep, na_rep=na_rep, meta=self._series._meta)


def _catted(part: Any, sep: Any, na_rep: Any) -> Any:
    texts = part if isinstance(part, pd.Series) else pd.Series([part])
    return texts.astype(object).str.cat(sep=sep, na_rep=na_rep)


def _cat(part: Any, *others: Any, sep: Any, na_rep: Any) -> Any:
    return part.str.cat(list(others), sep=sep, na_rep=na_rep)


def _split(part: Any, method: str, pat: Any, n: int, width: int) -> Any:
    found = getattr(part.str, method)(pat, n=n, expand=True)
    return found if found.shape[1] == width else found.reindex(columns=range(width))


class DatetimeAccessor(Accessor):
    """series.dt."""

    name = "dt"


class CategoricalAccessor(Accessor):
    """series.cat. Categories may be unknown until they are looked for: `as_known`."""

    name = "cat"

    @property
    def known(self) -> bool:
        """Whether the categories are known."""
        return UNKNOWN_CATEGORIES not in self._meta.categories

    @property
    def categories(self) -> Any:
        """The categories. Raises NotImplementedError where they are unknown."""
        if not self.known:
            raise NotImplementedError(
                "`df.column.cat.categories` with unknown categories is not supported; call .cat.as_known() first"
            )
        return self._meta.categories

    @property
    def ordered(self) -> bool:
        """Whether the categories are ordered."""
        return bool(self._meta.ordered)

    @property
    def codes(self) -> Any:
        """The numbers of the categories. Raises NotImplementedError where they are unknown."""
        if not self.known:
            raise NotImplementedError(
                "`df.column.cat.codes` with unknown categories is not supported; call .cat.as_known() first"
            )
        return self._series._new(AccessorProperty(self._series.expr, "cat", "codes"))

    def as_known(self, **options: Any) -> Any:
        """The series with its categories known; computes them where they are not."""
        if self.known:
            return self._series
        found = self._series.drop_duplicates().compute(**options)
        return self.set_categories(
            found.cat.categories if isinstance(found.dtype, pd.CategoricalDtype) else sorted(found.dropna())
        )

    def as_unknown(self) -> Any:
        """The series with its categories taken for unknown."""
        if not self.known:
            return self._series
        meta = self._series._meta.cat.set_categories([UNKNOWN_CATEGORIES])
        return self._series.map_partitions(_same, meta=meta, enforce_metadata=False)

    def remove_unused_categories(self) -> Any:
        """Without the categories that no value has; computes which these are."""
        used = self._series.drop_duplicates().compute().dropna().cat.remove_unused_categories().cat.categories
        present = set(used)
        return self.set_categories([each for each in self.categories if each in present])


def _same(part: Any) -> Any:
    return part


class CachedAccessor:
    """An attribute of a class that makes an accessor of the object."""

    def __init__(self, name: str, accessor: Callable[[Any], Any]) -> None:
        self._name, self._accessor = name, accessor

    def __get__(self, frame: Any, kind: type | None = None) -> Any:
        return self._accessor if frame is None else self._accessor(frame)


def registered(classes: tuple[type, ...], name: str) -> Callable[[Any], Any]:
    """A decorator that makes a class an accessor of that name."""

    def decorate(accessor: Any) -> Any:
        for kind in classes:
            setattr(kind, name, CachedAccessor(name, accessor))
        return accessor

    return decorate
