"""Reductions of arrays: numpy's results, whatever the chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.lazy import array as da

VALUES = st.lists(st.sampled_from([0.0, 1.5, -2.0, 3.0, np.nan, np.inf]), min_size=24, max_size=24)
AXES = st.sampled_from([None, 0, 1, -1, (0, 2), (0, 1, 2)])
SIZES = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 2))


@given(VALUES, SIZES, AXES, st.booleans(), st.sampled_from("sum prod min max mean var std any all".split()))
def test_methods(values, sizes, axis, keepdims, method):
    x = np.array(values).reshape(3, 4, 2)
    lazy = getattr(da.from_array(x, chunks=sizes), method)(axis=axis, keepdims=keepdims, split_every=2)
    with np.errstate(all="ignore"):
        expected = getattr(x, method)(axis=axis, keepdims=keepdims)
    assert (lazy.shape, lazy.dtype) == (np.shape(expected), np.asarray(expected).dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(lazy.compute(scheduler="sync"), expected, atol=1e-12)


@given(VALUES, SIZES, st.sampled_from([None, 0, 1, 2]), st.sampled_from(["argmin", "argmax"]))
def test_places(values, sizes, axis, method):
    x = np.array(values).reshape(3, 4, 2)
    found = getattr(da.from_array(x, chunks=sizes), method)(axis=axis).compute(scheduler="sync")
    assert np.array_equal(found, getattr(x, method)(axis=axis))


@given(VALUES, SIZES, st.sampled_from([None, 0, 1, 2]), st.sampled_from(["cumsum", "cumprod"]))
def test_running_totals(values, sizes, axis, method):
    x = np.nan_to_num(np.array(values), posinf=4.0).reshape(3, 4, 2)
    found = getattr(da.from_array(x, chunks=sizes), method)(axis=axis).compute(scheduler="sync")
    np.testing.assert_allclose(found, getattr(x, method)(axis=axis))


@given(VALUES, SIZES, st.sampled_from(["nansum", "nanmean", "nanvar", "nanmax"]), st.sampled_from([0, 1, 2]))
def test_functions_that_skip_nan(values, sizes, name, axis):
    x = np.array(values).reshape(3, 4, 2)
    x[np.isinf(x)] = 5.0
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **keywords: None)
        expected = getattr(np, name)(x, axis=axis)
        found = getattr(da, name)(da.from_array(x, chunks=sizes), axis=axis).compute(scheduler="sync")
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_variance_of_values_far_from_zero_keeps_its_digits():
    x = 1e9 + np.arange(1000) / 1000
    assert da.from_array(x, chunks=7).var().compute() == pytest.approx(x.var(), rel=1e-6)


def test_an_axis_that_there_is_not_is_an_error():
    with pytest.raises(np.exceptions.AxisError):
        da.ones((2, 2), chunks=1).sum(axis=2)


def test_differences_of_infinite_values_are_no_missing_ones():
    data = np.array([np.inf, np.nan, -np.inf, 2])
    assert np.isnan(da.nanvar(da.from_array(data, chunks=1)).compute())


def test_places_are_found_along_an_unknown_axis_of_one_block():
    x = da.from_array(np.array([[1, 5], [7, 2]]), chunks=2)
    kept = x[x[:, 0] > 0]
    assert kept.argmax(axis=0).compute().tolist() == [1, 0]
    with pytest.raises(TypeError, match="one axis"):
        x.argmax(axis=(0, 1))
