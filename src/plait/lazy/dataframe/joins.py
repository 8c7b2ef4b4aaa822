"""Functions that join several dataframes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.dataframe.frames import collection
from plait.lazy.dataframe.merging_methods import merge_of


def merge(left: Any, right: Any, how: str = "inner", on: Any = None, **options: Any) -> Any:
    """The rows of both with equal keys; see DataFrame.merge(). Of two pandas objects, what pandas gives."""
    if isinstance(left, pd.DataFrame) and isinstance(right, pd.DataFrame):
        return left.merge(right, how=how, on=on, **options)
    return collection(merge_of(left, right, how, on, **options))
