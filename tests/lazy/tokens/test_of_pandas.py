"""Tokens of frames, series, indexes and arrays of pandas and of Arrow."""

import cloudpickle
import pandas as pd
import pyarrow as pa
import pytest

from plait.lazy.tokens import tokenize as fresh_or_not


def tokenize(value):
    token = fresh_or_not(value, ensure_deterministic=True)
    assert fresh_or_not(cloudpickle.loads(cloudpickle.dumps(value))) == token
    return token


ARRAYS = [
    pd.array([1, 0, None], dtype="Int64"),
    pd.array([1, 1, None], dtype="Int64"),
    pd.array([1.0, None], dtype="Float64"),
    pd.array([True, None], dtype="boolean"),
    pd.array(["2000"], dtype="Period[D]"),
    pd.array(["2000-01-01"], dtype="Period[M]"),
    pd.array([1, 0, 0], dtype="Sparse[int]"),
    pd.array([0, 1, 0], dtype="Sparse[int]"),
    pd.array([pd.Timestamp("2000")], dtype="datetime64[ns]"),
    pd.array([pd.Timestamp("2000", tz="CET")], dtype="datetime64[ns, CET]"),
    pd.array([pd.Timedelta(1, "s")]),
    pd.array(["a", "b"], dtype=pd.CategoricalDtype(["a", "b", "c"])),
    pd.array(["a", "b"], dtype=pd.CategoricalDtype(["a", "b", "c"], ordered=True)),
    pd.array(["a", "b"], dtype=pd.CategoricalDtype(["b", "a"])),
    pd.array([pd.Interval(0, 1)], dtype="interval"),
    pd.array(["a", None], dtype="string[python]"),
    pd.array(["a", None], dtype="string[pyarrow]"),
    pd.array(["a", "b"], dtype=object),
    pd.array([1, 2], dtype=pd.ArrowDtype(pa.int64())),
    pd.array([1, 3], dtype=pd.ArrowDtype(pa.int64())),
]
INDEXES = [
    pd.Index(["a", "b"]),
    pd.Index(["a", "b"], name="n"),
    pd.Index([1, 2]),
    pd.RangeIndex(1, 3),
    pd.RangeIndex(1, 4, 2),
    pd.MultiIndex.from_product([["a", "b"], [0, 1]]),
    pd.MultiIndex.from_product([["a", "b"], [0, 1]], names=["x", "y"]),
    pd.date_range("2000", periods=3),
    pd.period_range("2000", periods=3, freq="D"),
    pd.CategoricalIndex(["a"]),
    pd.IntervalIndex.from_breaks([0, 1, 2]),
]
OTHERS = [
    pd.NA,
    pd.NaT,
    pd.Timestamp("2000"),
    pd.Timestamp("2000", tz="CET"),
    pd.Timedelta(1, "s"),
    pd.Period("2000", "D"),
    pd.CategoricalDtype(["a"]),
    pd.DatetimeTZDtype(tz="CET"),
    pd.offsets.Second(1),
    pd.offsets.Second(2),
    pd.DateOffset(years=1),
    pd.DateOffset(months=7),
    pd.offsets.BQuarterEnd(2),
]


def test_different_ones():
    values = [
        *ARRAYS,
        *INDEXES,
        *OTHERS,
        *map(pd.Series, ARRAYS),
        pd.Series([1], name="x"),
        pd.Series([1], name="y"),
        pd.Series([1], index=["i"], name="x"),
    ]
    assert len({tokenize(value) for value in values}) == len(values)


@pytest.mark.parametrize("cells", [[1, 2], ["a", None], ["a", "\ud83d"], ["a", b"a"], [1.5, "x"]])
def test_frames(cells):
    frame = pd.DataFrame({"x": [1, 2], "y": pd.Series(cells, dtype=object)})
    assert tokenize(frame) == tokenize(frame.copy())
    changed = frame.copy()
    changed.loc[0, "y"] = "else"
    assert tokenize(changed) != tokenize(frame)
    assert tokenize(frame.rename(columns={"x": "z"})) != tokenize(frame)
    assert tokenize(frame.set_axis([5, 6])) != tokenize(frame)


def test_how_a_frame_lies_in_memory_does_not_count():
    whole = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    grown = pd.DataFrame({"a": [1, 2]})
    grown["b"] = [3, 4]
    grown["c"] = [5, 6]
    assert tokenize(whole) == tokenize(grown)


def test_how_arrow_is_divided_does_not_count():
    parts = [pd.Series(["a", "b"], dtype="string[pyarrow]"), pd.Series(["c"], dtype="string[pyarrow]")]
    joined = pd.Series(["a", "b", "c"], dtype="string[pyarrow]")
    assert tokenize(pd.concat(parts, ignore_index=True)) == tokenize(joined)


def test_large_ranges_are_not_written_out():
    from plait.lazy.tokens import normalize_token

    assert normalize_token(pd.RangeIndex(10**12))[1:4] == (0, 10**12, 1)


def test_arrow():
    table = pa.table({"x": [1, 2, 3], "y": ["a", "b", None]})
    values = [
        table,
        pa.table({"x": [1, 2, 3], "y": ["a", "c", None]}),
        table.column("x"),
        table.column("y"),
        pa.array([1, 2]),
        pa.array([1, None]),
        pa.array([1, 2], pa.int8()),
        pa.int64(),
        pa.struct({"x": pa.int32()}),
        pa.struct({"x": pa.int64()}),
        table.schema,
        pa.py_buffer(b"a"),
        pa.py_buffer(b"b"),
        pa.array([1, 2, 3])[1:],
    ]
    assert len({fresh_or_not(value, ensure_deterministic=True) for value in values}) == len(values)
    assert tokenize(table) == tokenize(pa.table({"x": [1, 2, 3], "y": ["a", "b", None]}))
