"""What an object looks like."""

import numpy as np
import pandas as pd
import scipy.sparse

from plait.lazy.likeness import (
    is_arraylike,
    is_cupy_type,
    is_dataframe_like,
    is_empty,
    is_index_like,
    is_integer,
    is_series_like,
)


def test_arrays():
    assert all(map(is_arraylike, [np.empty(()), np.empty((0, 0)), scipy.sparse.eye(2)]))
    assert not any(map(is_arraylike, [0, (), [0], "a", pd.DataFrame(), np.ndarray]))
    assert not is_cupy_type(np.empty(1))


def test_frames_series_and_indexes():
    frame = pd.DataFrame({"x": [1]})
    values = [frame, frame.x, frame.index, frame.x.to_numpy(), 1]
    for looks, place in ((is_dataframe_like, 0), (is_series_like, 1), (is_index_like, 2)):
        assert [bool(looks(value)) for value in values] == [i == place for i in range(5)]


def test_whole_numbers():
    assert [is_integer(x) for x in (6, 42.0, np.int8(1), 1.5, "a")] == [True, True, True, False, False]


def test_emptiness():
    class Like:
        def __init__(self, **attributes):
            vars(self).update(attributes)

    class Unsized(Like):
        def __len__(self):
            raise TypeError

    assert all(map(is_empty, [[], (), np.array([]), Like(nnz=0), Like(shape=(0, 5)), Unsized(nnz=0)]))
    filled = [[1], np.empty((3, 0)), Like(nnz=5, shape=(0,)), Like(shape=(1,)), Like(), Like(nnz="x", shape=1)]
    assert not any(map(is_empty, filled))
