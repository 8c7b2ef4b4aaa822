"""Slices go through elementwise work, and change nothing but what is computed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da
from plait.lazy.array.rewrites.slicing import slicing
from plait.lazy.array.slicing import Slice

VALUES = np.random.default_rng(0).normal(size=(9, 8))
ROW = np.arange(8.0)
COLUMN = np.arange(9.0)[:, None]


def entries(length):
    bound = st.one_of(st.none(), st.integers(-length - 1, length + 1))
    return st.one_of(
        st.integers(-length, length - 1), st.builds(slice, bound, bound, st.sampled_from([None, 2, -1, -2]))
    )


@settings(max_examples=150, deadline=None)
@given(st.tuples(entries(9), entries(8)), st.sampled_from([(3, 4), (9, 3), (2, 8)]))
def test_values_and_chunks_stay(index, chunks):
    x, row, column = (da.from_array(each, chunks=chunks[-each.ndim :]) for each in (VALUES, ROW, COLUMN))
    lazy = ((x + row) * 2 - np.sqrt(column) > x)[index]
    wanted = ((VALUES + ROW) * 2 - np.sqrt(COLUMN) > VALUES)[index]
    np.testing.assert_array_equal(lazy.compute(), wanted)
    (pushed,) = slicing([lazy.expr])
    assert pushed.chunks == lazy.chunks
    assert pushed.dtype == lazy.dtype
    np.testing.assert_array_equal(da.Array.of(pushed).compute(), wanted)


def test_only_what_is_wanted_is_computed():
    seen = []

    def watched(block):
        seen.append(block.shape)
        return block + 1

    x = da.from_array(VALUES, chunks=(9, 8))
    lazy = x._elementwise(watched, x, result_dtype=float)
    seen.clear()
    np.testing.assert_array_equal(lazy[2, :3].compute(), VALUES[2, :3] + 1)
    assert seen == [(3,)]


def test_what_others_read_whole_is_computed_once():
    x = da.from_array(VALUES, chunks=3)
    whole = x + 1
    one, other = slicing([whole[:2].expr, whole.sum().expr])
    assert type(one) is Slice
    assert whole.expr.name in {each.name for each in other.inputs}
