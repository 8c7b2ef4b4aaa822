"""Values counted: pandas' results, whatever the partitions."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas

VALUES = st.lists(st.sampled_from([1.0, -2.0, 3.5, None]), min_size=1, max_size=20)


@settings(deadline=None)
@given(VALUES, st.integers(1, 5), st.booleans())
def test_value_counts(values, partitions, dropna):
    series = pd.Series(values, dtype="float64", name="x")
    found = from_pandas(series, npartitions=partitions).value_counts(dropna=dropna).compute(scheduler="sync")
    pd.testing.assert_series_equal(found.sort_index(), series.value_counts(dropna=dropna).sort_index())


@settings(deadline=None)
@given(VALUES, st.integers(1, 5), st.booleans())
def test_nunique(values, partitions, dropna):
    frame = pd.DataFrame({"x": pd.Series(values, dtype="float64"), "s": [f"{i % 3}" for i in range(len(values))]})
    lazy = from_pandas(frame, npartitions=partitions)
    pd.testing.assert_series_equal(lazy.nunique(dropna=dropna).compute(scheduler="sync"), frame.nunique(dropna=dropna))
    assert lazy.x.nunique().compute(scheduler="sync") == frame.x.nunique()


def test_places_of_extremes():
    frame = pd.DataFrame({"x": [3, 1, 4, 1, 5, 9, 2, 6], "y": [2.0, None, 7, 1, 8, 2, 8, 1]}, index=list("abcdefgh"))
    lazy = from_pandas(frame, npartitions=3)
    pd.testing.assert_series_equal(lazy.idxmin().compute(), frame.idxmin())
    pd.testing.assert_series_equal(lazy.idxmax().compute(), frame.idxmax())
    assert (lazy.x.idxmax().compute(), lazy.y.idxmin().compute()) == ("f", "d")
