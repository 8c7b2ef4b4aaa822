"""Functions of users on single values and rows: map and apply: a mixin."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

from plait.lazy.dataframe.mapping import NO_DEFAULT, mapped
from plait.lazy.dataframe.metas import make_meta


class Applying:
    """A mixin of dataframes and series."""

    def map(self: Any, func: Any, na_action: Any = None, meta: Any = NO_DEFAULT) -> Any:
        """func of each value; of a series it may be a mapping or a series of pandas, too."""
        return self._called(_each_value, (func, na_action), {}, meta, "map")

    def apply(
        self: Any,
        func: Callable[..., Any],
        axis: Any = 0,
        args: tuple[Any, ...] = (),
        meta: Any = NO_DEFAULT,
        **keywords: Any,
    ) -> Any:
        """func of each row of a dataframe, with axis=1; of each value of a series. Columns are no rows: an error."""
        if self.ndim == 1:
            return self._called(_each_of_series, (func, args, keywords), {}, meta, "apply")
        if not self._is_across(axis):
            raise NotImplementedError(
                "lazy DataFrame.apply only supports axis=1\n  Try: df.apply(func, axis=1), or map_partitions for "
                "columns"
            )
        return self._called(_each_row, (func, args, keywords), {}, meta, "apply")

    def _called(self: Any, function: Any, args: tuple[Any, ...], keywords: dict[str, Any], meta: Any, name: str) -> Any:
        expression = mapped(function, self, *args, meta=meta, enforce_metadata=False, **keywords)
        if meta is NO_DEFAULT or meta is None:
            found = expression.meta  # found by a call on made-up rows
            warnings.warn(_said(found, name), UserWarning, stacklevel=3)
            expression = mapped(function, self, *args, meta=make_meta(found), enforce_metadata=False, **keywords)
        return self._new(expression)


def _said(meta: Any, name: str) -> str:
    if isinstance(meta, pd.DataFrame):
        said = {label: str(dtype) for label, dtype in meta.dtypes.items()}
        return _text(name, f"meta={said}")
    return _text(name, f"meta=({getattr(meta, 'name', None)!r}, '{getattr(meta, 'dtype', type(meta).__name__)}')")


def _text(name: str, remedy: str) -> str:
    return (
        f"\nYou did not provide metadata, so the function of {name}() was run on a small dataset to guess its "
        f"output; it"
        f" may guess wrong.\nTo provide an explicit output type or to silence this message, pass {remedy}"
    )


def _each_value(part: Any, func: Any, na_action: Any) -> Any:
    return part.map(func) if isinstance(part, pd.Index) else part.map(func, na_action=na_action)


def _each_of_series(part: Any, func: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return part.apply(func, args=args, **keywords)


def _each_row(part: Any, func: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return part.apply(func, axis=1, args=args, **keywords)
