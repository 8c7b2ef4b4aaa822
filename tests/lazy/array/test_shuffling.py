"""Shuffles keep groups together, and blocks as small as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plait.lazy.array as da


@st.composite
def _cases(draw):
    length = draw(st.integers(1, 12))
    indexer = draw(st.lists(st.lists(st.integers(0, length - 1), min_size=1, max_size=9), min_size=1, max_size=6))
    return length, draw(st.integers(1, length)), draw(st.integers(1, 5)), indexer


@given(_cases())
def test_elements_come_in_the_order_of_groups_which_stay_whole(case):
    length, width, rows, indexer = case
    data = np.arange(5 * length).reshape(5, length)
    found = da.from_array(data, chunks=(rows, width)).shuffle(indexer, axis=1)
    np.testing.assert_array_equal(found.compute(), data[:, sum(indexer, [])])
    bounds = {0, *np.cumsum(found.chunks[1]).tolist()}
    assert bounds <= {0, *np.cumsum(list(map(len, indexer))).tolist()}


@given(_cases())
def test_blocks_do_not_grow_where_others_can_be_cut(case):
    length, width, rows, indexer = case
    array = da.ones((5, length), chunks=(rows, width))
    found = array.shuffle(indexer, axis=1)
    largest = max(found.chunks[1])
    limit = max(1.25 * rows * width, largest)
    assert max(found.chunks[0]) * largest <= limit


def test_errors_name_the_rule():
    array = da.ones((4, 6), chunks=2)
    with pytest.raises(ValueError, match="list of lists"):
        array.shuffle([1, 2], axis=1)
    with pytest.raises(IndexError, match="0 to 5"):
        array.shuffle([[6]], axis=1)
    with pytest.raises(ValueError, match="out of bounds"):
        array.shuffle([[0]], axis=2)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        array[array.sum(axis=1) > 0].shuffle([[0]], axis=0)
