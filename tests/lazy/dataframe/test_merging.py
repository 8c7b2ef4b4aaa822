"""Merges: the rows that pandas gives, whatever the partitions."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas, merge
from plait.lazy.dataframe.merging import Merge

KEYS = st.lists(st.one_of(st.none(), st.integers(0, 6)), min_size=1, max_size=20)
DTYPES = st.sampled_from(["float64", "Int64", "str", "category"])


def _frame(keys, dtype, name):
    column = pd.Series(keys, dtype="Int64").astype("str" if dtype in ("str", "category") else dtype)
    column = column.where(pd.Series(keys).notna())
    return pd.DataFrame({"k": column.astype(dtype), name: range(len(keys)), "both": 1})


def _rows(frame, index):
    """Rows in one order, missing values alike."""
    frame = frame.reset_index(drop=not index)
    rows = [tuple("-" if pd.isna(each) else str(each) for each in row) for row in frame.itertuples(index=False)]
    return list(frame.columns), sorted(rows)


@settings(max_examples=40, deadline=None)
@given(
    KEYS,
    KEYS,
    DTYPES,
    st.sampled_from(["inner", "left", "right", "outer"]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
)
def test_a_merge_by_columns_has_the_rows_of_pandas(left, right, dtype, how, mine, theirs, indicator):
    one, other = _frame(left, dtype, "a"), _frame(right, dtype, "b")
    lazy = from_pandas(one, npartitions=mine).merge(
        from_pandas(other, npartitions=theirs), on="k", how=how, suffixes=("_l", "_r"), indicator=indicator
    )
    wanted = one.merge(other, on="k", how=how, suffixes=("_l", "_r"), indicator=indicator)
    assert _rows(lazy.compute(), index=False) == _rows(wanted, index=False)
    assert list(lazy.columns) == list(wanted.columns)


INDEXES = st.lists(st.integers(0, 12), min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(
    INDEXES,
    INDEXES,
    st.sampled_from(["inner", "left", "right", "outer"]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from([("left_index", "right_index"), ("left_on", "right_index"), ("left_index", "right_on")]),
)
def test_a_merge_by_index_has_the_rows_of_pandas(left, right, how, mine, theirs, known, sides):
    one = pd.DataFrame({"x": left, "a": range(len(left))}, index=left[::-1])
    other = pd.DataFrame({"y": right, "b": range(len(right))}, index=right)
    columns = {"left_on": "x", "right_on": "y"}
    by = {side: columns.get(side, True) for side in sides}
    lazy = merge(
        from_pandas(one, npartitions=mine, sort=known),
        from_pandas(other, npartitions=theirs),
        how=how,
        **by,
    )
    wanted = one.merge(other, how=how, **by)
    found = lazy.compute()
    assert _rows(found, index=True)[1] == _rows(wanted.astype(found.dtypes), index=True)[1]
    if lazy.known_divisions:
        assert found.empty or (lazy.divisions[0] <= found.index.min() and found.index.max() <= lazy.divisions[-1])


def _strategy(mine, theirs, **options):
    left = from_pandas(pd.DataFrame({"k": range(40)}), npartitions=mine)
    right = from_pandas(pd.DataFrame({"k": range(40)}), npartitions=theirs)
    merged = merge(left, right, **options)
    assert merged.explain(optimize=False).splitlines()[0].endswith(merged.expr.strategy)
    return merged.expr.strategy


def test_how_a_merge_is_done_follows_from_the_partitions():
    assert _strategy(5, 1, on="k") == "single"
    assert _strategy(5, 1, on="k", how="outer") == "hash"
    assert _strategy(5, 4, left_index=True, right_index=True) == "indexed"
    assert _strategy(20, 2, on="k") == "broadcast"
    assert _strategy(20, 2, on="k", broadcast=False) == "hash"
    assert _strategy(5, 4, on="k", broadcast=True) == "broadcast"
    assert Merge.defaults["broadcast"] is None


def test_a_semi_join_has_each_row_with_a_match_once():
    left = pd.DataFrame({"k": [1, 2, 3, 1], "v": "abcd"})
    right = pd.DataFrame({"k": [1, 1, 3, 9]})
    found = from_pandas(left, npartitions=2).merge(from_pandas(right, npartitions=2), how="leftsemi").compute()
    wanted = _rows(left[left["k"].isin([1, 3])], index=False)
    assert _rows(found, index=False) == wanted
    renamed = from_pandas(right.rename(columns={"k": "q"}), npartitions=2)
    found = from_pandas(left, npartitions=2).merge(renamed, how="leftsemi", left_on="k", right_on="q")
    assert list(found.columns) == ["k", "v"]
    assert _rows(found.compute(), index=False) == wanted


def test_several_frames_are_joined_by_index():
    frames = [pd.DataFrame({f"c{i}": range(4)}, index=range(i, i + 4)) for i in range(3)]
    lazy = [from_pandas(frame, npartitions=2) for frame in frames]
    found = lazy[0].join(lazy[1:], how="outer").compute()
    pd.testing.assert_frame_equal(found, frames[0].join(frames[1:], how="outer"))
    with pytest.raises(ValueError, match="only supports left or outer"):
        lazy[0].join(lazy[1:], how="inner")


def test_keys_of_other_dtypes_are_warned_of():
    left, right = pd.DataFrame({"k": [1, 2]}), pd.DataFrame({"k": [1.0, 2.5]})
    with pytest.warns(UserWarning, match=r"\('k', 'k'\): int64 and float64"):
        lazy = from_pandas(left, npartitions=2).merge(from_pandas(right, npartitions=2), on="k")
    assert lazy.compute()["k"].tolist() == [1.0]
