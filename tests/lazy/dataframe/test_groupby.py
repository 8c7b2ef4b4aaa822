"""Groups: pandas' results, whatever the partitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import Aggregation, from_pandas

ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([0.0, 1.5, -2.0, None]),
        st.integers(-5, 5),
    ),
    min_size=1,
    max_size=20,
)


def frame_of(rows):
    return pd.DataFrame(rows, columns=["k", "s", "x", "i"]).astype({"x": "float64", "s": "str"})


@settings(deadline=None)
@given(
    ROWS,
    st.integers(1, 6),
    st.sampled_from([["k"], ["s"], ["k", "s"]]),
    st.sampled_from("sum min max count mean var size first last nunique".split()),
)
def test_aggregations(rows, partitions, by, method):
    frame = frame_of(rows)
    if method == "nunique":
        expected = frame.groupby(by).x.nunique()
        found = from_pandas(frame, npartitions=partitions).groupby(by).x.nunique().compute(scheduler="sync")
        pd.testing.assert_series_equal(found, expected)
        return
    expected = getattr(frame.groupby(by)[["x", "i"]], method)()
    found = getattr(from_pandas(frame, npartitions=partitions).groupby(by)[["x", "i"]], method)()
    test = pd.testing.assert_series_equal if method == "size" else pd.testing.assert_frame_equal
    test(found.compute(scheduler="sync"), expected)


@settings(deadline=None)
@given(ROWS, st.integers(1, 6))
def test_specs_of_aggregations(rows, partitions):
    frame = frame_of(rows)
    lazy = from_pandas(frame, npartitions=partitions)
    for spec in ({"x": ["sum", "mean"], "i": "max"}, ["min", "count"]):
        chosen = ["k", "x", "i"]
        pd.testing.assert_frame_equal(
            lazy[chosen].groupby("k").agg(spec).compute(scheduler="sync"), frame[chosen].groupby("k").agg(spec)
        )
    named = {"total": ("i", "sum"), "least": ("x", "min")}
    pd.testing.assert_frame_equal(
        lazy.groupby("k").agg(**named).compute(scheduler="sync"), frame.groupby("k").agg(**named)
    )


@settings(deadline=None, max_examples=20)
@given(ROWS, st.integers(1, 4))
def test_functions_of_whole_groups(rows, partitions):
    frame = frame_of(rows)
    lazy = from_pandas(frame, npartitions=partitions)
    found = lazy.groupby("k").i.transform(lambda values: values - values.min()).compute(scheduler="sync")
    pd.testing.assert_series_equal(
        found.sort_index(), frame.groupby("k").i.transform(lambda values: values - values.min())
    )
    found = lazy.groupby("k").x.median().compute(scheduler="sync")
    pd.testing.assert_series_equal(found.sort_index(), frame.groupby("k").x.median())


def test_an_aggregation_of_ones_own():
    frame = frame_of([(i % 3, "a", float(i), i) for i in range(20)])
    spread = Aggregation(
        "spread", lambda g: (g.max(), g.min()), lambda high, low: (high.max(), low.min()), lambda high, low: high - low
    )
    found = from_pandas(frame, npartitions=4).groupby("k").agg({"x": spread}).compute()
    assert found["x"].tolist() == [18.0, 18.0, 15.0]


def test_variance_of_values_far_from_zero_keeps_its_digits():
    frame = pd.DataFrame({"k": np.arange(1000) % 2, "x": 1e9 + np.arange(1000) / 1000})
    found = from_pandas(frame, npartitions=7).groupby("k").x.var().compute()
    # A double near 1e9 has some seven digits behind its point; a sum of squares would lose them all.
    near = frame.assign(x=np.arange(1000) / 1000).groupby("k").x.var()
    np.testing.assert_allclose(found, near, rtol=1e-4)


def test_a_key_that_there_is_not_is_named():
    with pytest.raises(KeyError, match="nothing"):
        from_pandas(frame_of([(1, "a", 1.0, 1)]), npartitions=1).groupby("nothing")
