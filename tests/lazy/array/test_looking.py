"""An index that is a lazy array of integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da

VALUES = np.arange(60).reshape(6, 10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-6, 5), max_size=9),
    st.integers(1, 4),
    st.sampled_from([(2, 3), (6, 10), (1, 4)]),
    st.booleans(),
)
def test_it_is_numpy_s(wanted, size, chunks, more):
    index = np.array(wanted, dtype=int)
    lazy, lazy_index = da.from_array(VALUES, chunks=chunks), da.from_array(index, chunks=size)
    rest = (slice(2, 8),) if more else ()
    np.testing.assert_array_equal(lazy[(lazy_index, *rest)].compute(), VALUES[(index, *rest)])
    np.testing.assert_array_equal(lazy[:, lazy_index].compute(), VALUES[:, index])


def test_an_index_that_is_too_large_is_refused_when_it_is_known():
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 0 with size 6"):
        da.from_array(VALUES, chunks=2)[da.from_array(np.array([1, 9]), chunks=1)].compute()
    with pytest.raises(IndexError, match="float64"):
        da.from_array(VALUES, chunks=2)[da.ones(3, chunks=1)]
