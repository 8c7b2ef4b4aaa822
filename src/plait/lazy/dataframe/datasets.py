"""Made-up dataframes for examples and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy.dataframe.frames import collection
from plait.lazy.dataframe.timeseries import Timeseries

_DTYPES: Mapping[str, Any] = {"name": "string", "id": int, "x": float, "y": float}


def timeseries(
    start: str = "2000-01-01",
    end: str = "2000-01-31",
    freq: str = "1s",
    partition_freq: str = "1D",
    dtypes: Mapping[str, Any] | None = None,
    seed: Any = None,
    **options: Any,
) -> Any:
    """Random columns by time: a name, a number of a Poisson distribution, and two between -1 and 1, or those of dtypes.

    partition_freq: the period of a partition. seed: of the numbers; each partition has a stream of its own. options:
    COLUMN_KEYWORD, such as id_lam=1000. Raises TypeError for others.
    """
    dtypes = dict(_DTYPES if dtypes is None else dtypes)
    for word in options:
        if not any(word.startswith(f"{name}_") for name in dtypes):
            raise TypeError(f"{word}= is of no column; columns are {list(dtypes)}")
    bounds = tuple(pd.date_range(start=start, end=end, freq=partition_freq))
    entropy = np.random.SeedSequence(None if seed is None else seed).entropy
    return collection(Timeseries(bounds, freq, tuple(dtypes.items()), tuple(sorted(options.items())), entropy))
