"""frame.resample() is pandas', whatever the partitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.dataframe as dd


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["2h", "7h", "1D", "3D", "W", "MS", "ME", "90min"]),
    st.sampled_from(["sum", "count", "mean", "min", "first", "size", "nunique", "std"]),
    st.sampled_from([None, "left", "right"]),
    st.sampled_from([None, "left", "right"]),
    st.integers(1, 6),
    st.integers(0, 50),
)
def test_bins_are_pandas(rule, method, closed, label, npartitions, seed):
    random = np.random.default_rng(seed)
    times = pd.Timestamp("2000-01-01 05:17") + pd.to_timedelta(
        np.sort(random.integers(0, 90 * 24 * 60, 60)), unit="min"
    )
    plain = pd.Series(random.integers(0, 9, 60).astype(float), index=times, name="x")
    lazy = dd.from_pandas(plain, npartitions=npartitions)
    found = getattr(lazy.resample(rule, closed=closed, label=label), method)()
    wanted = getattr(plain.resample(rule, closed=closed, label=label), method)()
    pd.testing.assert_series_equal(found.compute(), wanted, check_freq=False)
    assert found.divisions[0] == wanted.index[0]
    assert found.divisions[-1] == wanted.index[-1]


def test_columns_and_several_functions():
    times = pd.date_range("2000-01-01", periods=100, freq="3h")
    plain = pd.DataFrame({"x": np.arange(100), "y": 1.0}, index=times)
    lazy = dd.from_pandas(plain, npartitions=4)
    pd.testing.assert_frame_equal(
        lazy.resample("1D").agg(["min", "max"]).compute(), plain.resample("1D").agg(["min", "max"]), check_freq=False
    )
    pd.testing.assert_series_equal(
        lazy.resample("1D").x.sum().compute(), plain.resample("1D").x.sum(), check_freq=False
    )


def test_unknown_divisions_are_refused():
    lazy = dd.from_pandas(pd.Series([1.0], index=pd.DatetimeIndex(["2000-01-01"])), npartitions=1).clear_divisions()
    with pytest.raises(ValueError, match="known divisions"):
        lazy.resample("1D")
