"""Operators of arrays: numpy's results, whatever the chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.lazy.array import from_array


@given(st.integers(0, 9), st.integers(1, 5), st.integers(1, 5))
def test_arrays_of_different_chunks_are_aligned(length, one, other):
    x = np.arange(length)
    assert (from_array(x, chunks=one) * 3 - from_array(x, chunks=other)).compute().tolist() == (2 * x).tolist()


def test_blocks_of_length_one_are_broadcast():
    x = np.arange(12).reshape(3, 4)
    lazy = from_array(x, chunks=(2, 3)) + from_array(x[:, :1], chunks=(1, 1))
    assert lazy.compute().tolist() == (x + x[:, :1]).tolist()


def test_sparse_blocks_stay_sparse():
    sparse = pytest.importorskip("sparse")
    data = np.diag(np.arange(6.0))
    x = from_array(data, chunks=4).map_blocks(sparse.COO.from_numpy)
    for found, expected in [
        (x + x, data * 2),
        (x - sparse.COO.from_numpy(data), data * 0),
        (x.sum(axis=0), data.sum(axis=0)),
        (x.rechunk(3), data),
        (np.zeros_like(x), data * 0),
    ]:
        assert isinstance(found._meta, sparse.COO)
        np.testing.assert_array_equal(found.compute().todense(), expected)
