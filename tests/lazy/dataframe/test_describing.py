"""Quantiles, describe, and functions of single values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=40)


@settings(deadline=None)
@given(VALUES, st.integers(1, 5))
def test_of_few_values_quantiles_are_exact(values, partitions):
    series = pd.Series(values, name="x")
    found = from_pandas(series, npartitions=partitions).quantile([0.0, 0.25, 0.5, 0.9, 1.0]).compute(scheduler="sync")
    pd.testing.assert_series_equal(found, series.quantile([0.0, 0.25, 0.5, 0.9, 1.0]))


def test_of_many_values_they_are_near():
    series = pd.Series(np.random.default_rng(0).normal(size=100_000))
    found = from_pandas(series, npartitions=7).quantile([0.01, 0.5, 0.99]).compute()
    ranks = [(series <= value).mean() for value in found]
    assert np.allclose(ranks, [0.01, 0.5, 0.99], atol=0.01)


def test_describe():
    frame = pd.DataFrame({"x": [1.0, 2.0, None, 4.0], "i": [4, 3, 2, 1]})
    pd.testing.assert_frame_equal(from_pandas(frame, npartitions=2).describe().compute(), frame.describe())


def test_functions_of_values_and_rows():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "s": ["a", "b", "c"]})
    lazy = from_pandas(frame, npartitions=2)
    found = lazy.apply(lambda row: row.s * int(row.x), axis=1, meta=(None, "str"))
    assert found.compute().tolist() == ["a", "bb", "ccc"]
    assert lazy.x.map(lambda value: value + 1, meta=("x", "float64")).compute().tolist() == [2.0, 3.0, 4.0]
    with pytest.warns(UserWarning, match="did not provide metadata"):
        lazy.x.apply(lambda value: value + 1)
