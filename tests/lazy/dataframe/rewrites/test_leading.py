"""The first and the last rows of what is sorted."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas
from plait.lazy.dataframe.leading import FirstRows
from plait.lazy.expressions import walk

VALUES = st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(
    VALUES,
    st.integers(1, 5),
    st.integers(0, 12),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["first", "last"]),
    st.sampled_from(["head", "tail"]),
)
def test_they_are_those_of_pandas_however_few_a_partition_has(values, npartitions, n, one, other, na, end):
    count = len(values)
    frame = pd.DataFrame(
        {"a": pd.Series(values, dtype="float64"), "b": [i % 3 for i in range(count)], "n": range(count)}
    )
    lazy = from_pandas(frame, npartitions=npartitions).sort_values(["a", "b"], ascending=[one, other], na_position=na)
    wanted = frame.sort_values(["a", "b"], ascending=[one, other], na_position=na, kind="stable")
    found = getattr(lazy, end)(n, compute=False).compute()
    pd.testing.assert_frame_equal(found, getattr(wanted, end)(n))


@pytest.mark.parametrize("end", ["head", "tail"])
def test_a_new_index_is_made_of_those_rows_alone(end):
    frame = pd.DataFrame({"a": [i * 7 % 10 for i in range(10)], "n": range(10)})
    lazy = from_pandas(frame, npartitions=4).set_index("a")
    found = getattr(lazy, end)(5, compute=False)
    pd.testing.assert_frame_equal(found.compute(), getattr(frame.set_index("a").sort_index(), end)(5))
    assert any(isinstance(each, FirstRows) for each in walk([found.optimize().expr]))
