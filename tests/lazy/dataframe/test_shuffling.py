"""Shuffles: every row is there once, and equal keys are in one partition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy import config
from plait.lazy.dataframe import from_pandas


def _partitions(frame):
    return [frame.partitions[i].compute() for i in range(frame.npartitions)]


@settings(max_examples=25)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=40),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(2, 9),
)
def test_a_shuffle_keeps_rows_and_puts_equal_keys_together(keys, npartitions, count, branch):
    frame = pd.DataFrame({"k": pd.Series(keys, dtype="float64"), "n": np.arange(len(keys))})
    shuffled = from_pandas(frame, npartitions=npartitions).shuffle("k", npartitions=count, max_branch=branch)
    parts = _partitions(shuffled)
    assert len(parts) == count
    assert sorted(n for part in parts for n in part["n"]) == list(frame["n"])
    where = [key for part in parts for key in part["k"].fillna(-1).unique()]
    assert len(where) == len(set(where))
    assert all(part["n"].is_monotonic_increasing for part in parts)  # rows keep their order
    pd.testing.assert_frame_equal(pd.concat(parts).sort_values("n"), frame, check_index_type=False)


def test_a_shuffle_takes_columns_the_index_or_another_series():
    frame = pd.DataFrame({"k": [1, 2, 1, 3, 2, 1], "v": range(6)}, index=pd.Index([5, 5, 6, 7, 7, 7], name="i"))
    lazy = from_pandas(frame, npartitions=3)
    for shuffled, key in ((lazy.shuffle("k"), "k"), (lazy.shuffle(lazy["k"]), "k"), (lazy.shuffle("i"), "i")):
        parts = [part.reset_index()[key].unique().tolist() for part in _partitions(shuffled)]
        assert sorted(sum(parts, [])) == sorted(frame.reset_index()[key].unique())
    assert lazy.shuffle(on_index=True).compute().sort_values("v").equals(frame)


def test_a_shuffle_by_what_is_not_there_names_it():
    lazy = from_pandas(pd.DataFrame({"k": [1]}), npartitions=1)
    with pytest.raises(KeyError, match="Cannot shuffle on \\['z'\\]"):
        lazy.shuffle(["k", "z"])
    with pytest.raises(TypeError, match="either"):
        lazy.shuffle()


@pytest.mark.parametrize("compression", [None, "zlib", "bz2"])
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_a_shuffle_goes_through_files_that_are_removed(tmp_path, compression, scheduler):
    frame = pd.DataFrame({"k": [i * 7 % 5 for i in range(40)], "v": range(40), "t": "text"})
    lazy = from_pandas(frame, npartitions=6)
    with config.set({"temporary-directory": str(tmp_path), "dataframe.shuffle.compression": compression}):
        shuffled = lazy.shuffle("k", npartitions=4, shuffle_method="disk")
        found = shuffled.map_partitions(lambda part: part.assign(files=len(list(tmp_path.glob("*/*")))))
        found = found.compute(scheduler=scheduler)
        assert set(found.pop("files")) == {6}
        assert not list(tmp_path.iterdir())
        pd.testing.assert_frame_equal(found, lazy.shuffle("k", npartitions=4).compute())
        assert lazy.shuffle("k", shuffle_method="disk").partitions[1].compute(scheduler=scheduler).index.size < 40


def test_files_of_a_shuffle_are_removed_when_it_fails(tmp_path):
    lazy = from_pandas(pd.DataFrame({"k": [1, 2, 3]}), npartitions=3)
    with config.set({"temporary-directory": str(tmp_path), "dataframe.shuffle.method": "disk"}):
        with pytest.raises(ZeroDivisionError):
            lazy.shuffle("k").map_partitions(lambda part: 1 / 0, meta=lazy._meta).compute()
        with config.set({"dataframe.shuffle.compression": "nothing"}), pytest.raises(ImportError, match="nothing"):
            lazy.shuffle("k").compute()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("method", ["tasks", "disk"])
def test_every_operation_that_shuffles_does_so_by_either_method(method):
    frame = pd.DataFrame({"k": [3, 1, 2, 3, 1, 2], "v": range(6)})
    lazy = from_pandas(frame, npartitions=3)
    with config.set({"dataframe.shuffle.method": method}):
        assert lazy.sort_values("k").compute()["v"].tolist() == [1, 4, 2, 5, 0, 3]
        assert lazy.set_index("k").compute()["v"].tolist() == [1, 4, 2, 5, 0, 3]
        assert sorted(lazy.drop_duplicates("k").compute()["v"]) == [0, 1, 2]
        assert len(lazy.merge(lazy, on="k", broadcast=False).compute()) == 12
        wrote = any("-write" in str(key) for key in lazy.merge(lazy, on="k", broadcast=False).dask)
    assert wrote is (method == "disk")


def test_a_method_that_there_is_not_is_said():
    lazy = from_pandas(pd.DataFrame({"k": [1]}), npartitions=1)
    with pytest.raises(ValueError, match="shuffle_method='nope'"):
        lazy.shuffle("k", shuffle_method="nope")
