"""Concat: pandas' rows and columns, whatever the partitions and divisions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import concat, from_pandas
from plait.lazy.dataframe.testing import assert_eq

COLUMNS = st.lists(st.sampled_from("abcd"), unique=True, min_size=1)


def _frame(columns, start, count, unique=True):
    index = np.arange(start, start + count) if unique else np.arange(start, start + count) // 2
    return pd.DataFrame({each: np.arange(count) * 1.5 + ord(each[0]) for each in columns}, index=index)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(COLUMNS, st.integers(0, 12), st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=3),
    st.sampled_from(["outer", "inner"]),
    st.booleans(),
)
def test_frames_below_each_other_are_those_of_pandas(given_frames, join, interleave):
    frames = [_frame(columns, start, count, unique=False) for columns, start, count, _ in given_frames]
    lazy = [from_pandas(frame, npartitions=each[3]) for frame, each in zip(frames, given_frames, strict=True)]
    found = concat(lazy, join=join, interleave_partitions=interleave)
    wanted = pd.concat(frames, join=join)
    assert list(found.columns) == list(wanted.columns)
    result = found.compute()
    columns = list(wanted.columns)
    for each in (result, wanted):
        each["index"] = each.index
    order = ["index", *columns]
    pd.testing.assert_frame_equal(
        result.sort_values(order, ignore_index=True), wanted.sort_values(order, ignore_index=True)
    )
    if not interleave:
        assert list(result["index"]) == list(pd.concat(frames).index)
    if found.known_divisions:
        assert found.divisions[0] <= result["index"].min() <= result["index"].max() <= found.divisions[-1]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9), st.integers(1, 4)), min_size=2, max_size=3),
    st.sampled_from(["outer", "inner"]),
)
def test_frames_beside_each_other_are_those_of_pandas(given_frames, join):
    frames = [_frame([f"c{i}"], start, count) for i, (start, count, _) in enumerate(given_frames)]
    lazy = [from_pandas(frame, npartitions=each[2]) for frame, each in zip(frames, given_frames, strict=True)]
    assert_eq(concat(lazy, axis=1, join=join), pd.concat(frames, axis=1, join=join))


def test_frames_in_order_keep_divisions():
    one, other = (from_pandas(_frame("ab", start, 6), npartitions=2) for start in (0, 10))
    assert concat([one, other]).divisions == (0, 3, 10, 13, 15)
    assert concat([other, one]).divisions == (None,) * 5
    assert concat([other, one], interleave_partitions=True).divisions == (0, 3, 5, 10, 13, 15)


def test_categoricals_get_all_categories():
    one = pd.DataFrame({"a": pd.Categorical(["x", "y"])}, index=pd.CategoricalIndex(["p", "q"]))
    other = pd.DataFrame({"a": pd.Categorical(["z", "x"])}, index=pd.CategoricalIndex(["r", "p"]))
    found = concat([from_pandas(each, npartitions=1, sort=False) for each in (one, other)])
    assert list(found["a"]._meta.cat.categories) == ["x", "y", "z"]
    result = found.compute()
    assert result["a"].tolist() == ["x", "y", "z", "x"]
    assert list(result["a"].cat.categories) == ["x", "y", "z"]
    assert result.index.tolist() == ["p", "q", "r", "p"]
    assert isinstance(result.index, pd.CategoricalIndex)


def test_partitions_of_unknown_divisions_are_taken_as_they_are_with_a_warning():
    one, other = (from_pandas(pd.Series([4, 3, 2, 1], name=name), npartitions=2, sort=False) for name in "ab")
    with pytest.warns(UserWarning, match="assuming that the indices"):
        found = concat([one, other], axis=1).compute()
    assert found["a"].tolist() == found["b"].tolist() == [4, 3, 2, 1]
    frame = from_pandas(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), npartitions=2, sort=False)
    assert_eq(concat([frame["b"], frame["a"] + 1], axis=1), pd.DataFrame({"b": [3, 4], "a": [2, 3]}))
    longer = from_pandas(pd.Series(range(7)), npartitions=2, sort=False)
    with pytest.raises(ValueError, match="different lengths"):
        concat([one, longer], axis=1, ignore_unknown_divisions=True).compute()
    with pytest.raises(ValueError, match="call set_index"):
        concat([one, from_pandas(pd.Series(range(7)), npartitions=2)], axis=1)


def test_what_cannot_be_concatenated_is_said():
    lazy = from_pandas(pd.Series([1]), npartitions=1)
    with pytest.raises(TypeError, match="dfs must be a list"):
        concat(lazy)
    with pytest.raises(ValueError, match="No objects to concatenate"):
        concat([])
    with pytest.raises(ValueError, match="'join' must be 'inner' or 'outer'"):
        concat([lazy, lazy], join="left")
