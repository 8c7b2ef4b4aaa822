"""Rechunking: blocks of any sizes, sizes found automatically, and axes whose sizes are unknown."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plait.lazy.array as da
from plait.lazy.array.chunks import normalize_chunks


@st.composite
def _sizes(draw, total):
    cuts = draw(st.lists(st.integers(0, total), max_size=4))
    bounds = [0, *sorted(cuts), total]
    return tuple(end - start for start, end in zip(bounds, bounds[1:], strict=False))


@given(_sizes(9), _sizes(7), _sizes(9), _sizes(7))
def test_blocks_have_the_sizes_asked_for_and_the_same_elements(rows, columns, new_rows, new_columns):
    data = np.arange(63).reshape(9, 7)
    found = da.from_array(data, chunks=(rows, columns)).rechunk((new_rows, new_columns))
    assert found.chunks == (new_rows, new_columns)
    assert found.blocks[-1, -1].compute().shape == (new_rows[-1], new_columns[-1])
    np.testing.assert_array_equal(found.compute(), data)


@given(_sizes(40), _sizes(30), st.integers(1, 2000))
def test_automatic_blocks_keep_the_limit(rows, columns, limit):
    found = normalize_chunks("auto", (40, 30), limit=limit, dtype=np.int8, previous_chunks=(rows, columns))
    assert tuple(map(sum, found)) == (40, 30)
    assert math.prod(map(max, found)) <= limit


def test_axes_beside_unknown_ones_are_rechunked():
    x = da.from_array(np.arange(40).reshape(10, 4), chunks=(3, 4))
    kept = x[x[:, 0] > 8]
    for chunks in [{1: 2}, (None, 2), ((math.nan,) * 4, 2)]:
        found = kept.rechunk(chunks)
        assert found.chunks[1] == (2, 2)
        np.testing.assert_array_equal(found.compute(), np.arange(12, 40).reshape(7, 4))
    with pytest.raises(ValueError, match="unchanging"):
        kept.rechunk({0: 5})


@given(st.integers(1, 300), st.integers(1, 300))
@pytest.mark.filterwarnings("ignore:.*cannot be balanced")
def test_balanced_blocks_differ_in_the_last_alone(length, width):
    (plain,) = da.ones(length, chunks=width).chunks
    (found,) = da.ones(length, chunks=length).rechunk(width, balance=True).chunks
    assert sum(found) == length
    assert len(set(found[:-1])) <= 1
    assert found[-1] >= plain[-1] or len(found) != len(plain)


def test_axes_that_are_none_are_named():
    x = da.ones((2, 3), chunks=1)
    with pytest.raises(TypeError, match="blah"):
        x.rechunk({"blah": 4})
    with pytest.raises(ValueError, match="100"):
        x.rechunk({100: 4})
