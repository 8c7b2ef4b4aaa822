"""Metas: empty pandas objects that say columns, dtypes and index of what is computed later."""

from __future__ import annotations

from typing import Any

import pandas as pd


def is_frame_like(value: Any) -> bool:
    """Whether a value is a DataFrame, a Series or an Index."""
    return isinstance(value, (pd.DataFrame, pd.Series, pd.Index))


def empty_of(value: Any) -> Any:
    """The meta of a value: its first no rows; of a bare value, itself."""
    if isinstance(value, pd.Index):
        return value[:0]
    return value.iloc[:0] if is_frame_like(value) else value
