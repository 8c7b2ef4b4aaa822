"""Operators of dataframes: pandas' results, whatever the partitions."""

import pandas as pd

from plait.lazy.dataframe import from_pandas


def test_a_filter_of_computed_columns_is_that_of_pandas():
    frame = pd.DataFrame({"x": range(20), "y": [i % 3 for i in range(20)]})
    lazy = from_pandas(frame, npartitions=3)
    got = (lazy["x"] + lazy["y"])[~(lazy["x"] > 7)]
    pd.testing.assert_series_equal(got.compute(), (frame["x"] + frame["y"])[~(frame["x"] > 7)])
