"""Distinct rows: those that pandas keeps, however partitions are brought together."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas

ROWS = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.sampled_from("ab")), min_size=1, max_size=30)
OUT = st.sampled_from([True, 1, 3])


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(1, 5), OUT, st.sampled_from(["first", "last"]), st.sampled_from([None, "a", ["b"]]))
def test_the_rows_that_stay_are_those_of_pandas(rows, npartitions, split_out, keep, subset):
    frame = pd.DataFrame(rows, columns=["a", "b"]).astype({"a": "float64"})
    lazy = from_pandas(frame, npartitions=npartitions)
    found = lazy.drop_duplicates(subset, split_out=split_out, keep=keep).compute()
    pd.testing.assert_frame_equal(found.sort_index(), frame.drop_duplicates(subset, keep=keep))
    series = lazy["a"].drop_duplicates(split_out=split_out, keep=keep).compute()
    pd.testing.assert_series_equal(series.sort_index(), frame["a"].drop_duplicates(keep=keep))
    values = lazy["b"].unique(split_out=split_out).compute()
    assert sorted(values) == sorted(frame["b"].unique())


def test_the_index_has_distinct_values():
    frame = pd.DataFrame({"a": range(6)}, index=[3, 1, 3, 2, 2, 1])
    index = from_pandas(frame, npartitions=3).index
    assert sorted(index.drop_duplicates().compute()) == [1, 2, 3]
    assert isinstance(index.unique(split_out=1).compute(), pd.Index)


def test_what_is_not_there_is_said():
    lazy = from_pandas(pd.DataFrame({"a": [1]}), npartitions=1)
    with pytest.raises(KeyError, match="z"):
        lazy.drop_duplicates("z")
    with pytest.raises(NotImplementedError, match="with keep=False"):
        lazy.drop_duplicates(keep=False)
