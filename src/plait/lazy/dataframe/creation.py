"""Functions that make dataframes of what is in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from plait.lazy.dataframe.frames import Tabular, collection
from plait.lazy.dataframe.sources import from_pandas_checked, in_memory
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


def from_array(x: Any, chunksize: int = 50_000, columns: Any = None, meta: Any = None) -> Any:
    """A lazy dataframe of an array in memory: of one axis a series, of two or with fields a dataframe.

    chunksize: rows of a partition; columns: labels, of a series its name. Raises ValueError for more than two axes.
    """
    array = np.asarray(x)
    if array.ndim > 2:
        raise ValueError(f"from_array does not input more than 2D array, got array with shape {array.shape!r}")
    if array.dtype.names is not None:
        data: Any = pd.DataFrame({name: array[name] for name in (columns or array.dtype.names)})
    elif array.ndim == 1:
        label = columns[0] if isinstance(columns, (list, tuple)) and columns else columns
        data = pd.Series(array, name=label)
    else:
        data = pd.DataFrame(array, columns=columns)
    return collection(in_memory(data, chunksize=chunksize))
