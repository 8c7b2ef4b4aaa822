"""map_overlap: rows of neighbours are seen, and their results cut off."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas, map_overlap
from plait.lazy.dataframe.testing import assert_eq


def _shifted(frame, before, after, c=0):
    return frame + frame.shift(before) + frame.shift(-after) + c


@settings(max_examples=25, deadline=None)
@given(st.integers(12, 40), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3))
def test_results_are_those_of_the_whole(count, npartitions, before, after):
    frame = pd.DataFrame({"x": range(count), "y": [i % 7 for i in range(count)]}, index=[i / 2 for i in range(count)])
    lazy = from_pandas(frame, npartitions=npartitions)
    found = lazy.map_overlap(_shifted, before, after, before, after, c=2)
    assert found.divisions == lazy.divisions
    assert_eq(found, _shifted(frame, before, after, c=2))
    assert_eq(lazy["x"].map_overlap(_shifted, before, after, before, after), _shifted(frame["x"], before, after))


def test_a_window_of_time_has_the_rows_within_it():
    frame = pd.DataFrame({"a": 1}, index=pd.date_range("2020", periods=5, freq="D"))
    lazy = from_pandas(frame, chunksize=3)
    assert map_overlap(lambda x: x + x.sum(), lazy, 0, "2D").compute()["a"].tolist() == [5, 5, 5, 3, 3]
    assert lazy.map_overlap(lambda x: x + x.sum(), "2D", 0).compute()["a"].tolist() == [4] * 5


def test_windows_that_cannot_be_are_refused():
    lazy = from_pandas(pd.DataFrame({"a": range(6)}), npartitions=3)
    for before, after in ((-1, 0), (0, -1), (0.5, 0)):
        with pytest.raises(ValueError, match="positive"):
            lazy.map_overlap(abs, before, after)
    with pytest.raises(TypeError, match="index of times"):
        lazy.map_overlap(abs, "1s", 0)
    with pytest.raises(NotImplementedError, match="is less than"):
        lazy.map_overlap(abs, 3, 0).compute()
