"""Shapes and chunks: the same elements."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.lazy import array as da

SHAPES = [(24, 10), (240,), (-1,), (4, 6, 10), (2, 12, 5, 2), (8, 30), (1, 240), (240, 1), (3, 80), (2, 3, 4, 5, 2)]
SIZES = st.tuples(st.integers(1, 6), st.integers(1, 8), st.integers(1, 5))


@given(SIZES, st.sampled_from(SHAPES))
def test_reshape(sizes, shape):
    x = np.arange(240).reshape(6, 8, 5)
    assert np.array_equal(da.from_array(x, chunks=sizes).reshape(shape).compute(scheduler="sync"), x.reshape(shape))


@given(SIZES, SIZES)
def test_rechunk(old, new):
    x = np.arange(240).reshape(6, 8, 5)
    lazy = da.from_array(x, chunks=old).rechunk(new)
    assert lazy.chunks == da.normalize_chunks(new, x.shape)
    assert np.array_equal(lazy.compute(scheduler="sync"), x)


@given(SIZES, st.permutations(range(3)))
def test_transpose(sizes, axes):
    x = np.arange(240).reshape(6, 8, 5)
    assert np.array_equal(da.from_array(x, chunks=sizes).transpose(axes).compute(scheduler="sync"), x.transpose(axes))


@given(SIZES, SIZES, st.integers(-3, 2))
def test_concatenate_and_stack(one, other, axis):
    x = np.arange(240).reshape(6, 8, 5)
    pair = da.from_array(x, chunks=one), da.from_array(-x, chunks=other)
    assert np.array_equal(da.concatenate(pair, axis=axis).compute(scheduler="sync"), np.concatenate((x, -x), axis=axis))
    assert np.array_equal(da.stack(pair, axis=axis).compute(scheduler="sync"), np.stack((x, -x), axis=axis))


def test_a_flat_array_of_long_rows_keeps_its_blocks_small():
    lazy = da.ones((3, 1000), chunks=(1, 100)).ravel()
    assert max(lazy.chunks[0]) == 100


def test_other_numbers_of_elements_are_an_error():
    with pytest.raises(ValueError, match="unchanged"):
        da.ones((2, 3), chunks=1).reshape((7,))


@st.composite
def _merges(draw):
    outer, inner = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return outer, inner, draw(st.integers(1, outer)), draw(st.integers(1, inner)), draw(st.integers(1, 20))


@given(_merges())
def test_blocks_hardly_grow_where_axes_become_one_or_several(case):
    outer, inner, rows, columns, width = case
    data = np.arange(outer * inner)
    for array, shape in [
        (da.from_array(data.reshape(outer, inner), chunks=(rows, columns)), (-1,)),
        (da.from_array(data, chunks=width), (outer, inner)),
    ]:
        found = array.reshape(shape)
        np.testing.assert_array_equal(found.compute(), data.reshape(shape))
        largest = np.prod([max(sizes) for sizes in array.chunks])
        assert np.prod([max(sizes) for sizes in found.chunks]) < 2 * largest


def test_blocks_are_not_joined_where_merging_is_off():
    x = da.ones((2, 3, 4), chunks=((2,), (1, 2), (2, 2)))
    assert x.reshape(6, 4, merge_chunks=False).chunks == ((1, 2, 1, 2), (2, 2))
