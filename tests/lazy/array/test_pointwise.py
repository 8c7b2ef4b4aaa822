"""array.vindex[...] gives the elements at coordinates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da

VALUES = np.arange(7 * 8 * 3).reshape(7, 8, 3)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_it_is_numpy_s(data):
    count = data.draw(st.integers(0, 12))
    rows = np.array(data.draw(st.lists(st.integers(-7, 6), min_size=count, max_size=count)), dtype=int)
    columns = np.array(data.draw(st.lists(st.integers(-8, 7), min_size=count, max_size=count)), dtype=int)
    lazy = da.from_array(VALUES, chunks=data.draw(st.sampled_from([(3, 4, 2), (7, 8, 3), (1, 1, 1)])))
    np.testing.assert_array_equal(lazy.vindex[rows, columns].compute(), VALUES[rows, columns])
    np.testing.assert_array_equal(lazy.vindex[:, columns].compute(), np.moveaxis(VALUES[:, columns], 1, 0))
    if count % 2 == 0 and count:
        pair = rows.reshape(2, -1), columns.reshape(2, -1)
        np.testing.assert_array_equal(lazy.vindex[pair].compute(), VALUES[pair])


@pytest.mark.parametrize("index", [([9],), ([1, 2], [1, 2, 3]), (None,), ([0.5],), (slice(1, 3),)])
def test_what_is_no_index_of_points_is_refused(index):
    with pytest.raises(IndexError):
        da.from_array(VALUES, chunks=3).vindex[index]
