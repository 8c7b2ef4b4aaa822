"""Dataframes of arrays in memory."""

import numpy as np
import pandas as pd
import pytest

from plait.lazy.dataframe import from_array
from plait.lazy.dataframe.testing import assert_eq


def test_arrays_are_series_and_dataframes_in_chunks():
    series = from_array(np.arange(10), chunksize=4, columns="a")
    assert series.divisions == (0, 4, 8, 9)
    assert_eq(series, pd.Series(np.arange(10), name="a"))
    assert_eq(from_array(np.ones((5, 2)), chunksize=2, columns=["x", "y"]), pd.DataFrame({"x": np.ones(5), "y": 1.0}))
    fields = np.array([(1, 2.5), (3, 4.5)], dtype=[("i", "i8"), ("f", "f8")])
    assert_eq(from_array(fields), pd.DataFrame({"i": [1, 3], "f": [2.5, 4.5]}))
    with pytest.raises(ValueError, match="more than 2D"):
        from_array(np.ones((1, 1, 1)))
