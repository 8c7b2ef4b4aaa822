"""Indices of arrays: numpy's results, whatever the chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plait.lazy.array import from_array

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 4))


def lazily(shape, sizes):
    x = np.arange(np.prod(shape)).reshape(shape)
    return x, from_array(x, chunks=tuple(min(size, length) for size, length in zip(sizes, shape)))


@given(SHAPES, st.tuples(*[st.integers(1, 5)] * 3), st.data())
def test_slices_integers_and_new_axes(shape, sizes, data):
    x, lazy = lazily(shape, sizes)
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))
    assert np.array_equal(lazy[index].compute(scheduler="sync"), x[index])


@given(SHAPES, st.tuples(*[st.integers(1, 5)] * 3), st.data())
def test_an_array_of_integers_along_an_axis(shape, sizes, data):
    x, lazy = lazily(shape, sizes)
    axis = data.draw(st.integers(0, 2))
    wanted = data.draw(st.lists(st.integers(-shape[axis], shape[axis] - 1), max_size=12))
    index = (*[slice(None)] * axis, np.array(wanted, dtype=int))
    assert np.array_equal(lazy[index].compute(scheduler="sync"), x[index])


@given(SHAPES, st.tuples(*[st.integers(1, 5)] * 3), st.integers(0, 100))
def test_masks_keep_the_order_of_elements(shape, sizes, least):
    x, lazy = lazily(shape, sizes)
    found = lazy[lazy > least]
    assert np.isnan(found.shape[0])
    assert found.compute(scheduler="sync").tolist() == x[x > least].tolist()
    rows = x[:, 0, 0] > least
    assert np.array_equal(lazy[lazy[:, 0, 0] > least].compute(scheduler="sync"), x[rows])


def test_an_index_out_of_bounds_is_an_error_when_it_is_written():
    _, lazy = lazily((4, 3, 2), (2, 2, 2))
    with pytest.raises(IndexError, match="4 >= 4"):
        lazy[4]
    with pytest.raises(IndexError, match="Too many"):
        lazy[0, 0, 0, 0]
