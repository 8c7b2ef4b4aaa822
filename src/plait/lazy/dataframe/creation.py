"""Functions that make dataframes of what is in memory."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.dataframe.frames import Tabular, collection
from plait.lazy.dataframe.sources import from_pandas_checked
from plait.lazy.expressions import Collection


def from_pandas(
    data: Any, npartitions: int | None = None, sort: bool = True, chunksize: int | None = None, name: str | None = None
) -> Any:
    """A lazy dataframe or series of a pandas one.

    npartitions: how many, about equal; or chunksize: rows of each. sort: by the index, which makes divisions known;
    False keeps the order of rows. Raises TypeError or ValueError for what it cannot take.
    """
    if isinstance(data, Tabular):
        raise TypeError(f"{type(data).__name__} is lazy already; use it as it is")
    return collection(from_pandas_checked(data, npartitions, sort, chunksize, name))


def from_dict(
    data: Any,
    npartitions: int,
    orient: str = "columns",
    dtype: Any = None,
    columns: Any = None,
    constructor: Any = pd.DataFrame,
) -> Any:
    """A lazy dataframe of a dictionary, as pandas' DataFrame.from_dict()."""
    if any(isinstance(value, Collection) for value in (data.values() if isinstance(data, dict) else ())):
        raise NotImplementedError("from_dict doesn't currently support lazy objects as values; use from_map or concat")
    return from_pandas(constructor.from_dict(data, orient=orient, dtype=dtype, columns=columns), npartitions)
