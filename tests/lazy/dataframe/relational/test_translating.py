"""Every lowering to Polars gives what pandas gives on the same data, missing values and all."""

import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.lazy import compute
from plait.lazy.dataframe import from_pandas
from plait.lazy.dataframe.elementwise import Assign, Binary, Filter, Method, Projection, Unary
from plait.lazy.dataframe.frames import collection
from plait.lazy.dataframe.relational import Translator, UnsupportedError, planned

FLOATS = st.one_of(st.none(), st.sampled_from([0.0, -1.5, 2.0, np.inf, -np.inf, np.nan]))
ROWS = st.lists(
    st.tuples(st.integers(-3, 3), FLOATS, FLOATS, st.one_of(st.none(), st.sampled_from(["a", "b", ""])), st.booleans()),
    max_size=12,
)


def frame_of(rows):
    i, x, y, s, b = zip(*rows, strict=True) if rows else ((),) * 5
    index = pd.Index([3 * k for k in range(len(rows))], name="k", dtype="int64")
    return pd.DataFrame(
        {
            "i": pd.Series(i, dtype="int64", index=index),
            "x": pd.Series(x, dtype="float64", index=index),
            "y": pd.Series(y, dtype="float64", index=index),
            "s": pd.Series(s, dtype="str", index=index),
            "b": pd.Series(b, dtype="bool", index=index),
            "t": pd.Series(pd.to_datetime(["2020-01-01"] * len(rows)), index=index)
            if rows
            else pd.Series([], dtype="M8[us]", index=index),
        },
        index=index,
    )


def same(expression, expected):
    """An expression as a query, and on pandas, gives what is expected."""
    (by_query,) = compute(collection(planned(expression, Translator().relation(expression))), scheduler="sync")
    test = pd.testing.assert_frame_equal if isinstance(expected, pd.DataFrame) else pd.testing.assert_series_equal
    test(by_query, expected)
    test(collection(expression).compute(scheduler="sync"), expected)


def source(frame):
    return from_pandas(frame, npartitions=1).expr


def column(expression, label):
    return Projection(expression, label)


@given(
    ROWS,
    st.sampled_from([operator.add, operator.sub, operator.mul, operator.truediv]),
    st.sampled_from("ixy"),
    st.sampled_from(["x", "y", 2, 0.5, 0]),
)
def test_arithmetic(rows, function, left, right):
    frame = frame_of(rows)
    base = source(frame)
    with np.errstate(all="ignore"):
        expected = function(frame[left], frame[right] if isinstance(right, str) else right)
    same(Binary(function, column(base, left), column(base, right) if isinstance(right, str) else right), expected)


@given(
    ROWS,
    st.sampled_from([operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]),
    st.sampled_from(
        [
            ("x", "y"),
            ("x", "i"),
            ("x", 0.0),
            ("i", 1),
            ("i", 0.5),
            ("s", "a"),
            ("s", "s"),
            ("b", True),
            ("t", pd.Timestamp("2020-01-01")),
        ]
    ),
)
def test_comparisons_and_filters(rows, function, pair):
    frame = frame_of(rows)
    base = source(frame)
    left, right = pair
    lazy = Binary(
        function, column(base, left), column(base, right) if right in frame.columns and right != "a" else right
    )
    expected = function(frame[left], frame[right] if right in frame.columns and right != "a" else right)
    same(lazy, expected)
    same(Filter(base, lazy), frame[expected])
    same(Filter(base, Unary(operator.invert, lazy)), frame[~expected])
    same(Filter(base, Binary(operator.or_, lazy, column(base, "b"))), frame[expected | frame["b"]])
    same(
        Filter(base, Binary(operator.and_, lazy, Unary(operator.invert, column(base, "b")))),
        frame[expected & ~frame["b"]],
    )


@given(
    ROWS,
    st.sampled_from(
        [
            ("isna", ()),
            ("notna", ()),
            ("abs", ()),
            ("fillna", (1.0,)),
            ("isin", ([0.0, 2.0],)),
            ("astype", ("float64",)),
        ]
    ),
)
def test_methods(rows, call):
    frame = frame_of(rows)
    method, args = call
    base = Projection(source(frame), ["x", "y"])
    same(Method(base, method, args), getattr(frame[["x", "y"]], method)(*args))


@given(ROWS)
def test_columns_are_added_and_chosen(rows):
    frame = frame_of(rows)
    base = source(frame)
    lazy = Assign(base, "z", Binary(operator.add, column(base, "x"), column(base, "i")))
    expected = frame.assign(z=frame["x"] + frame["i"])
    same(lazy, expected)
    same(
        Projection(Filter(lazy, Binary(operator.gt, column(lazy, "z"), 0)), ["z", "s"]),
        expected[expected["z"] > 0][["z", "s"]],
    )


def test_rows_of_two_sources_stay_with_pandas():
    frame = frame_of([(1, 1.0, 2.0, "a", True)])
    lazy = Binary(operator.add, column(source(frame), "x"), column(source(frame.assign(x=5.0)), "x"))
    with pytest.raises(UnsupportedError, match="two sources"):
        Translator().relation(lazy)


FUNCTIONS = ["sum", "count", "mean", "var", "min", "max", "size"]


@given(ROWS, st.sampled_from([["s"], ["x"], ["i", "s"], ["b"], ["t", "i"]]), st.sampled_from(FUNCTIONS))
def test_groups(rows, by, function):
    frame = frame_of(rows)
    lazy = getattr(from_pandas(frame, npartitions=1).groupby(by)[["y", "i"]], function)()
    expected = getattr(frame.groupby(by)[["y", "i"]], function)()
    same(lazy.expr, expected)


def in_order(frame):
    """Rows by what they look like: missing values have no order of their own."""
    places = sorted(range(len(frame)), key=lambda k: [repr(value) for value in frame.iloc[k]])
    return frame.iloc[places].reset_index(drop=True)


@given(ROWS, ROWS, st.sampled_from(["inner", "left", "right", "outer"]), st.sampled_from([["s"], ["x"], ["i", "s"]]))
def test_merges(rows, others, how, on):
    left, right = frame_of(rows)[["i", "x", "s"]], frame_of(others)[["i", "x", "s", "y"]]
    lazy = from_pandas(left, npartitions=1).merge(from_pandas(right, npartitions=1), how=how, on=on)
    expected = in_order(left.merge(right, how=how, on=on))
    expression = lazy.expr
    by_query = collection(planned(expression, Translator().relation(expression))).compute(scheduler="sync")
    pd.testing.assert_frame_equal(in_order(by_query), expected, check_dtype=len(by_query) > 0)
    pd.testing.assert_frame_equal(
        in_order(collection(expression).compute(scheduler="sync")), expected, check_dtype=False
    )
