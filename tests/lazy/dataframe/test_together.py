"""What is known from shuffles holds in the data, and saves further ones."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas
from plait.lazy.dataframe.placing import places

FRAME = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6] * 6, "b": [i * 5 % 7 for i in range(36)], "c": range(36)})
OTHER = pd.DataFrame({"a": [2, 3, 3, 7] * 3, "d": range(12), "b": [i % 4 for i in range(12)]})


def _check(frame):
    """Each partition has rows that are nowhere else, where they should be."""
    for labels, count in frame.expr.together.items():
        if not set(labels) <= set(frame.columns):
            continue
        seen = {}
        for number in range(frame.npartitions):
            part = frame.partitions[number].compute()
            keys = part[list(labels)]
            assert count in (None, frame.npartitions)
            if count is not None:
                assert set(places(keys, count).tolist()) <= {number}
            for row in keys.itertuples(index=False):
                assert seen.setdefault(tuple("-" if pd.isna(each) else each for each in row), number) == number


STEPS = {
    "shuffle": lambda x: x.shuffle("a"),
    "filter": lambda x: x[x["c"] > 9],
    "rename": lambda x: x.rename(columns={"a": "b", "b": "a"}),
    "assign": lambda x: x.assign(a=x["c"] % 3),
    "project": lambda x: x[["c", "a", "b"]],
    "fewer": lambda x: x.repartition(npartitions=max(x.npartitions - 1, 1)),
    "distinct": lambda x: x.drop_duplicates(["a", "b"]),
    "dropna": lambda x: x.dropna(),
    "add": lambda x: x + 1,
}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(STEPS)), max_size=5),
    st.sampled_from(["inner", "left", "right", "outer"]),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_what_is_known_holds_and_merges_are_those_of_pandas(steps, how, mine, theirs):
    lazy = from_pandas(FRAME, npartitions=mine)
    for step in steps:
        lazy = STEPS[step](lazy)
    _check(lazy)
    merged = lazy.merge(from_pandas(OTHER, npartitions=theirs).shuffle("b"), on="a", how=how)
    _check(merged)
    wanted = lazy.compute().merge(OTHER, on="a", how=how)
    order = list(wanted.columns)
    found = merged.compute()
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True), wanted.sort_values(order, ignore_index=True), check_dtype=False
    )


def _shuffles(frame):
    return len({str(key[0]).replace("-split", "") for key in frame.dask if "-split" in str(key[0])})


def test_what_is_together_is_not_shuffled_again():
    lazy, other = from_pandas(FRAME, npartitions=3), from_pandas(OTHER, npartitions=2)
    merged = lazy.merge(other, on="a")
    assert _shuffles(merged) == 2
    again = merged.merge(from_pandas(OTHER[["a", "d"]], npartitions=2), on="a")
    assert _shuffles(again) == 3
    assert _shuffles(merged.drop_duplicates(["a", "c"])) == 2
    assert _shuffles(merged.drop_duplicates(["c"])) == 3
    fewer = lazy.shuffle("a", npartitions=4).repartition(npartitions=3)
    assert fewer.unique_partition_mapping_columns_from_shuffle == {("a",)}
    assert _shuffles(fewer.merge(other, on="a")) == 3  # its rows are together, but elsewhere


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_side_that_goes_with_all_partitions_is_not_together(side):
    whole = from_pandas(OTHER, npartitions=1).shuffle("d", npartitions=1)
    lazy = from_pandas(FRAME, npartitions=3)
    merged = lazy.merge(whole, on="a") if side == "right" else whole.merge(lazy, on="a")
    assert not merged.expr.together
