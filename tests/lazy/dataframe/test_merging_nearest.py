"""merge_asof: the nearest rows that pandas finds, whatever the partitions."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas, merge_asof

KEYS = st.lists(st.integers(0, 30), min_size=1, max_size=20).map(sorted)
HOW = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["backward", "forward", "nearest"]),
        "allow_exact_matches": st.booleans(),
        "tolerance": st.sampled_from([None, 0, 3]),
    }
)


@settings(max_examples=60, deadline=None)
@given(KEYS, KEYS, st.integers(1, 5), st.integers(1, 5), HOW, st.booleans())
def test_the_nearest_rows_are_those_of_pandas(left, right, mine, theirs, how, grouped):
    if how["tolerance"] == 0 and not how["allow_exact_matches"]:
        how = {**how, "tolerance": 1}
    one = pd.DataFrame({"k": left, "g": [i * 7 % 3 for i in range(len(left))], "a": range(len(left))})
    other = pd.DataFrame({"k": right, "g": [i * 5 % 3 for i in range(len(right))], "b": range(len(right))})
    by = {"by": "g"} if grouped else {}
    found = merge_asof(from_pandas(one, npartitions=mine), from_pandas(other, npartitions=theirs), on="k", **by, **how)
    wanted = pd.merge_asof(one, other, on="k", **by, **how)
    pd.testing.assert_frame_equal(found.compute().reset_index(drop=True), wanted, check_dtype=False)


@settings(max_examples=30, deadline=None)
@given(KEYS, KEYS, st.integers(1, 5), st.integers(1, 5), HOW, st.booleans())
def test_the_nearest_rows_by_index_are_those_of_pandas(left, right, mine, theirs, how, known):
    if how["tolerance"] == 0 and not how["allow_exact_matches"]:
        how = {**how, "tolerance": 1}
    one, other = pd.DataFrame({"a": range(len(left))}, index=left), pd.DataFrame({"b": range(len(right))}, index=right)
    lazy = from_pandas(one, npartitions=mine, sort=known), from_pandas(other, npartitions=theirs, sort=known)
    found = merge_asof(*lazy, left_index=True, right_index=True, **how)
    wanted = pd.merge_asof(one, other, left_index=True, right_index=True, **how)
    assert found.divisions == lazy[0].divisions
    pd.testing.assert_frame_equal(found.compute(), wanted, check_dtype=False)


def test_keys_are_named_in_one_way():
    lazy = from_pandas(pd.DataFrame({"k": [1]}), npartitions=1)
    with pytest.raises(ValueError, match="not a combination of both"):
        merge_asof(lazy, lazy, on="k", left_on="k")
    with pytest.raises(ValueError, match="not a combination of both"):
        merge_asof(lazy, lazy, on="k", by="k", right_by="k")
