"""Masked arrays in blocks are numpy.ma's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da
from plait.lazy.array import ma


def same(lazy, wanted):
    found = lazy.compute()
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_allclose(np.ma.filled(found, 0), np.ma.filled(wanted, 0))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["sum", "prod", "mean", "var", "std", "min", "max", "any", "all"]),
    st.sampled_from([None, 0, 1]),
    st.floats(0, 1),
    st.sampled_from([(2, 3), (7, 2), (1, 5)]),
)
def test_reductions_leave_out_what_is_masked(name, axis, share, chunks):
    random = np.random.default_rng(1)
    plain = np.ma.array(random.normal(size=(7, 5)), mask=random.random((7, 5)) < share)
    lazy = da.from_array(plain, chunks=chunks)
    same(getattr(lazy, name)(axis=axis), getattr(plain, name)(axis=axis))


def test_masks_come_from_conditions_and_go():
    values = np.arange(12).reshape(3, 4)
    lazy = ma.masked_greater(da.from_array(values, chunks=2), 6)
    plain = np.ma.masked_greater(values, 6)
    same(lazy, plain)
    same(lazy + 1, plain + 1)
    np.testing.assert_array_equal(ma.filled(lazy, -1).compute(), plain.filled(-1))
    np.testing.assert_array_equal(ma.count(lazy, axis=0).compute(), plain.count(axis=0))
    same(ma.masked_where(lazy > 3, lazy), np.ma.masked_where(plain > 3, plain))
    same(ma.where(lazy > 3, lazy, 0), np.ma.where(plain > 3, plain, 0))


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="not compatible"):
        ma.masked_array(np.ones((3, 4)), mask=np.zeros((4, 3), dtype=bool))
