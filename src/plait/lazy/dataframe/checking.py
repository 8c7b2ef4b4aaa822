"""Checking: whether a pandas object is what its meta promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES, is_frame_like
from plait.lazy.functions import typename

_ABSENT = "-"


def check_meta(x: Any, meta: Any, funcname: str | None = None, numeric_equal: bool = True) -> Any:
    """x, where its type, columns and dtypes are the meta's. numeric_equal: any number may stand for any other.

    Raises ValueError, or TypeError where they are no pandas objects; funcname: who made x, for the error.
    """
    if not is_frame_like(meta) or (not is_frame_like(x) and not hasattr(x, "_meta")):
        raise TypeError(
            f"Expected partition to be DataFrame, Series, or Index of type `{typename(type(meta))}`, got "
            f"`{typename(type(x))}`"
        )
    if type(x) is not type(meta):
        problem = f"Expected partition of type `{typename(type(meta))}` but got `{typename(type(x))}`"
    elif isinstance(meta, pd.DataFrame):
        problem = _columns_problem(x, meta, numeric_equal)
    elif _alike(x.dtype, meta.dtype, numeric_equal):
        problem = ""
    else:
        rows = [("Found", x.dtype), ("Expected", meta.dtype)]
        problem = f"Partition type: `{typename(type(meta))}`\n{_table(('', 'dtype'), rows)}"
    if not problem:
        if isinstance(meta, pd.DataFrame):
            check_matching_columns(meta, x)
        return x
    raise ValueError(f"Metadata mismatch found{f' in `{funcname}`' if funcname else ''}.\n\n{problem}")


def _columns_problem(x: Any, meta: Any, numeric_equal: bool) -> str:
    found, wanted = x.dtypes, meta.dtypes
    labels = [*wanted.index, *[label for label in found.index if label not in wanted.index]]
    rows = [
        (repr(label), found.get(label, _ABSENT), wanted.get(label, _ABSENT))
        for label in sorted(labels, key=str)
        if not _alike(found.get(label, _ABSENT), wanted.get(label, _ABSENT), numeric_equal)
    ]
    return f"Partition type: `{typename(type(meta))}`\n{_table(('Column', 'Found', 'Expected'), rows)}" if rows else ""


def _alike(one: Any, other: Any, numeric_equal: bool) -> bool:
    """Whether a dtype may stand for another."""
    if one is _ABSENT or other is _ABSENT:
        return False
    both = [isinstance(each, pd.CategoricalDtype) for each in (one, other)]
    if all(both) and any(UNKNOWN_CATEGORIES in each.categories for each in (one, other)):
        return True
    if numeric_equal and not any(both) and all(getattr(each, "kind", "O") in "iuf" for each in (one, other)):
        return True
    return bool(one == other)


def check_matching_columns(meta: Any, actual: Any) -> None:
    """Raises ValueError where columns are not those of the meta, in its order."""
    if meta.columns.equals(actual.columns):
        return
    extra = actual.columns.difference(meta.columns).tolist()
    missing = meta.columns.difference(actual.columns).tolist()
    if extra or missing:
        problem = f"  Extra:   {extra}\n  Missing: {missing}"
    elif list(meta.columns) == list(actual.columns):
        return
    else:
        problem = (
            f"Order of columns does not match.\nActual:   {actual.columns.tolist()}\nExpected: {meta.columns.tolist()}"
        )
    raise ValueError(f"The columns in the computed data do not match the columns in the provided metadata.\n{problem}")


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Rows of text in columns, with lines between them."""
    cells = [[str(each) for each in row] for row in (head, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    line = "+".join(["", *["-" * (width + 2) for width in widths], ""])
    shown = ["".join([f"| {cell:<{width}} " for cell, width in zip(row, widths, strict=True)]) + "|" for row in cells]
    return "\n".join([line, shown[0], line, *shown[1:], line])
