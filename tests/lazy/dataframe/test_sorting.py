"""Sorting: pandas' order over all partitions, and divisions that say where values are."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy.dataframe import from_pandas
from plait.lazy.dataframe.repartitioning import start_of_period
from plait.lazy.dataframe.sampling import bounds, summary

VALUES = st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=40)
KINDS = st.sampled_from(["float64", "Int64", "datetime64[us]", "int64[pyarrow]"])


def _column(values, kind):
    numbers = pd.Series(values, dtype="Int64")
    if kind == "datetime64[us]":
        return pd.to_datetime(numbers.astype("float64"), unit="D").astype(kind)
    return numbers.astype(kind)


def _partitions(frame):
    return [frame.partitions[i].compute() for i in range(frame.npartitions)]


@settings(max_examples=40, deadline=None)
@given(VALUES, KINDS, st.integers(1, 6), st.booleans(), st.booleans(), st.sampled_from(["first", "last"]))
def test_rows_are_in_the_order_of_pandas(values, kind, npartitions, one, other, na_position):
    frame = pd.DataFrame(
        {"a": _column(values, kind), "b": [i * 7 % 5 for i in range(len(values))], "n": range(len(values))}
    )
    lazy = from_pandas(frame, npartitions=npartitions)
    found = lazy.sort_values(["a", "b"], ascending=[one, other], na_position=na_position).compute()
    wanted = frame.sort_values(["a", "b"], ascending=[one, other], na_position=na_position, kind="stable")
    pd.testing.assert_frame_equal(found, wanted)


@settings(max_examples=40, deadline=None)
@given(VALUES, KINDS, st.integers(1, 6), st.integers(1, 6))
def test_a_new_index_is_sorted_and_within_its_divisions(values, kind, npartitions, count):
    frame = pd.DataFrame({"a": _column(values, kind), "n": range(len(values))})
    lazy = from_pandas(frame, npartitions=npartitions).set_index("a", npartitions=count)
    parts = _partitions(lazy)
    assert 1 <= len(parts) <= count
    pd.testing.assert_frame_equal(pd.concat(parts), frame.set_index("a").sort_index(kind="stable"))
    if lazy.known_divisions:
        assert list(lazy.divisions) == sorted(lazy.divisions)
        for place, part in enumerate(parts):
            index = part.index.dropna()
            low, high = lazy.divisions[place : place + 2]
            assert all(low <= each <= high for each in index)
            assert place == len(parts) - 1 or all(each < high for each in index)


@pytest.mark.parametrize("kind", ["str", "category", object])
def test_text_can_be_an_index(kind):
    frame = pd.DataFrame({"a": pd.Series(list("hdbagfdcbe"), dtype=kind), "n": range(10)})
    lazy = from_pandas(frame, npartitions=3).set_index("a")
    assert lazy.npartitions == 3
    pd.testing.assert_frame_equal(lazy.compute(), frame.set_index("a").sort_index(kind="stable"))


def test_missing_text_is_no_index_and_the_error_says_what_to_do():
    lazy = from_pandas(pd.DataFrame({"a": ["x", None, "y", "z"]}), npartitions=2)
    with pytest.raises(NotImplementedError, match="presence of nulls"):
        lazy.set_index("a").compute()


def test_building_computes_nothing_where_divisions_are_given():
    looked = []

    def seen(part):
        looked.append(len(part))
        return part

    frame = pd.DataFrame({"a": [3, 1, 2, 4], "n": range(4)})
    lazy = from_pandas(frame, npartitions=2).map_partitions(seen, meta=frame.iloc[:0])
    indexed = lazy.set_index("a", divisions=(1, 3, 4))
    ordered = lazy.sort_values("a")
    assert indexed.divisions == (1, 3, 4)
    assert ordered.npartitions == 2
    assert not looked
    assert indexed.compute()["n"].tolist() == ordered.compute()["n"].tolist() == [1, 2, 0, 3]
    sampled = lazy.set_index("a")
    looked.clear()
    assert sampled.divisions == (1, 2, 4)
    assert looked == [2, 2]
    sampled.divisions  # noqa: B018 - the sample is taken once
    assert looked == [2, 2]


def test_what_is_sorted_moves_no_row_between_partitions():
    frame = pd.DataFrame({"a": range(12), "n": range(12)})
    indexed = from_pandas(frame, npartitions=4, sort=False).set_index("a")
    assert indexed.divisions == (0, 3, 6, 9, 11)
    assert not [key for key in indexed.dask if "shuffle" in str(key)]


def test_values_that_two_partitions_share_come_into_one():
    frame = pd.DataFrame({"a": [1, 1, 2, 2, 3, 3, 3, 3], "n": range(8)})
    lazy = from_pandas(frame, npartitions=3).set_index("a", sorted=True)
    pd.testing.assert_frame_equal(lazy.compute(), frame.set_index("a"))
    parts = [set(part.index) for part in _partitions(lazy)]
    assert sum(map(len, parts)) == 3
    with pytest.raises(ValueError, match="not sorted ascending"):
        from_pandas(frame[::-1], npartitions=3, sort=False).set_index("a", sorted=True)


def test_divisions_are_looked_for_in_a_column():
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 4, 5], "n": range(6)})
    lazy = from_pandas(frame, npartitions=2)
    assert lazy.compute_current_divisions("n") == (0, 3, 5)
    with pytest.warns(UserWarning, match="overlapping values"):
        from_pandas(frame.assign(a=[1, 2, 4, 4, 4, 5]), npartitions=2).compute_current_divisions("a")


@given(st.lists(st.integers(0, 99), min_size=1, max_size=300), st.integers(1, 8), st.integers(1, 10))
def test_bounds_rise_from_the_least_to_the_greatest(values, pieces, count):
    parts = [pd.Series(values[i::pieces], dtype="int64") for i in range(pieces)]
    found = bounds([summary(part, 20) for part in parts], count)
    assert found[0] == min(values) and found[-1] == max(values)
    assert found == sorted(found)
    assert len(found) <= max(count, 1) + 1
    assert len(set(found[:-1])) == len(found) - 1


def test_bounds_cut_equal_parts():
    values = pd.Series(range(10_000)).sample(frac=1, random_state=0)
    parts = [values.iloc[i * 1000 : (i + 1) * 1000] for i in range(10)]
    found = bounds([summary(part, 60) for part in parts], 10)
    assert len(found) == 11
    assert max(b - a for a, b in zip(found, found[1:], strict=False)) < 1300


def test_an_index_is_replaced_in_place_of_another():
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=[3, 4, 5])
    lazy = from_pandas(frame, npartitions=2)
    lazy.index = lazy.index + 1
    assert lazy.compute().index.tolist() == [4, 5, 6]
    assert lazy["a"].optimize().compute().tolist() == [1, 2, 3]


def test_the_keys_of_a_series_are_its_blocks_not_its_label():
    series = from_pandas(pd.Series([1, 2, 3], name="y"), npartitions=2)
    assert set(series.__dask_keys__()) <= set(series.dask)
    assert series.__dask_tokenize__() != (series + 1).__dask_tokenize__()


@pytest.mark.parametrize(
    ("freq", "start"),
    [("ME", "MS"), ("2ME", "2MS"), ("QE-FEB", "QS-MAR"), ("YE-JUN", "YS-JUL"), ("7D", "7D"), ("MS", "MS")],
)
def test_partitions_by_frequency_begin_with_periods(freq, start):
    assert start_of_period(freq) == start
    frame = pd.DataFrame({"a": range(900)}, index=pd.date_range("2020-01-01", periods=900))
    lazy = from_pandas(frame, npartitions=2).repartition(freq=freq)
    assert start.endswith("D") or all(each.day == 1 for each in lazy.divisions[1:-1])
    assert lazy.compute().equals(frame)
