"""Windows of rows: pandas' results, whatever the partitions."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas

VALUES = st.lists(st.sampled_from([1.0, -2.0, 3.5, None]), min_size=12, max_size=24)


def frame_of(values):
    return pd.DataFrame({"x": pd.Series(values, dtype="float64"), "i": range(len(values))})


@settings(deadline=None)
@given(
    VALUES,
    st.integers(1, 3),
    st.sampled_from(["cumsum", "cumprod", "cummin", "cummax", "ffill", "bfill", "diff", "shift"]),
)
def test_running_totals_gaps_and_neighbours(values, partitions, method):
    frame = frame_of(values)
    found = getattr(from_pandas(frame, npartitions=partitions), method)().compute(scheduler="sync")
    pd.testing.assert_frame_equal(found, getattr(frame, method)(), check_dtype=False)


@settings(deadline=None)
@given(VALUES, st.integers(1, 3), st.integers(1, 4), st.booleans(), st.sampled_from(["sum", "mean", "max", "count"]))
def test_rolling(values, partitions, window, center, method):
    frame = frame_of(values)
    found = getattr(from_pandas(frame, npartitions=partitions).rolling(window, center=center), method)()
    expected = getattr(frame.rolling(window, center=center), method)()
    pd.testing.assert_frame_equal(found.compute(scheduler="sync"), expected)


def test_a_window_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="window"):
        from_pandas(frame_of([1.0] * 12), npartitions=2).rolling(1.5)
