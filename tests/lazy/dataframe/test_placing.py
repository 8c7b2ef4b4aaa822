"""Placing rows: equal keys go to one partition, whatever they are held in."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.lazy.dataframe.placing import hashes, places

NUMBERS = [0, 1, 2, 7, 1000]


@pytest.mark.parametrize(
    "other",
    [
        pd.Series(NUMBERS, dtype="float32"),
        pd.Series(NUMBERS, dtype="Int64"),
        pd.Series(NUMBERS, dtype="Float64"),
        pd.Series(NUMBERS, dtype="int64[pyarrow]"),
        pd.Series(NUMBERS, dtype=object),
        pd.Series([*map(Decimal, NUMBERS)], dtype=object),
        pd.Series(NUMBERS, dtype="category"),
        pd.Series(NUMBERS[::-1], dtype="category")[::-1],
    ],
)
def test_equal_numbers_of_any_dtype_have_one_hash(other):
    assert hashes(pd.Series(NUMBERS)).tolist() == hashes(other).tolist()


@pytest.mark.parametrize("dtype", [object, "string[python]", "string[pyarrow]", "category", pd.ArrowDtype])
def test_equal_text_of_any_dtype_has_one_hash(dtype):
    words = ["", "a", "b", "longer", "ä"]
    if dtype is pd.ArrowDtype:
        pa = pytest.importorskip("pyarrow")
        dtype = pd.ArrowDtype(pa.string())
    assert hashes(pd.Series(words, dtype="str")).tolist() == hashes(pd.Series(words, dtype=dtype)).tolist()


def test_text_among_numbers_has_the_hash_of_text_and_numbers_that_of_numbers():
    mixed = hashes(pd.Series(["a", 1, 2.0, None], dtype=object))
    assert mixed[0] == hashes(pd.Series(["a"]))[0]
    assert mixed[1:3].tolist() == hashes(pd.Series([1, 2])).tolist()


def test_times_of_any_unit_and_zone_have_one_hash():
    moment = pd.Series(pd.date_range("2020", periods=3))
    for other in (moment.dt.as_unit("s"), moment.dt.as_unit("ns")):
        assert hashes(moment).tolist() == hashes(other).tolist()
    zoned = moment.dt.tz_localize("UTC")
    assert hashes(zoned).tolist() == hashes(zoned.dt.tz_convert("Asia/Tokyo")).tolist()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([np.nan, 1.0]),
        pd.Series([None, "a"]),
        pd.Series([None, "a"], dtype=object),
        pd.Series([pd.NaT, pd.Timestamp("2020")]),
        pd.Series([None, 1], dtype="Int64"),
        pd.Series([None, "a"], dtype="category"),
    ],
)
def test_what_is_missing_is_one_key(column):
    assert hashes(column)[0] == hashes(pd.Series([np.nan]))[0] != hashes(column)[1]


def test_minus_zero_is_zero():
    assert hashes(pd.Series([0.0]))[0] == hashes(pd.Series([-0.0]))[0]


@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from("abc")), max_size=30), st.integers(1, 300))
def test_places_are_partitions_and_follow_from_the_keys(rows, count):
    frame = pd.DataFrame(rows, columns=["n", "t"]).astype({"n": "int64", "t": "str"})
    found = places(frame, count)
    assert ((found >= 0) & (found < count)).all()
    assert len({*zip(rows, found.tolist(), strict=True)}) == len(set(rows))
