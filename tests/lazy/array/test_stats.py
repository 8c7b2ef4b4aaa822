"""Tests of samples give what SciPy's give."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da
from plait.lazy.array import stats

SEEDS = st.integers(0, 2**16)


def _sample(seed, *shape):
    return np.random.default_rng(seed).gamma(2.0, size=shape)


@pytest.mark.parametrize("name", ["skewtest", "kurtosistest", "normaltest", "chisquare"])
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, columns=st.integers(1, 3), rows=st.integers(1, 30))
def test_of_one_sample(name, seed, columns, rows):
    data = _sample(seed, 30, columns)
    found = getattr(stats, name)(da.from_array(data, chunks=(rows, 2))).compute()
    np.testing.assert_allclose(tuple(found), tuple(getattr(scipy.stats, name)(data)), rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "options"), [("ttest_ind", {}), ("ttest_ind", {"equal_var": False}), ("ttest_rel", {})]
)
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_of_two_samples(name, options, seed):
    a, b = _sample(seed, 20), _sample(seed + 1, 20)
    found = getattr(stats, name)(da.from_array(a, 7), da.from_array(b, 7), **options).compute()
    np.testing.assert_allclose(tuple(found), tuple(getattr(scipy.stats, name)(a, b, **options)), rtol=1e-7)


@pytest.mark.parametrize("power", [None, 0, -1, -2, 0.5, *stats.POWERS])
def test_power_divergence(power):
    seen = np.array([16.0, 18, 16, 14, 12, 12])
    hoped = np.array([16.0, 16, 16, 16, 16, 8])
    found = stats.power_divergence(da.from_array(seen, 2), da.from_array(hoped, 2), lambda_=power).compute()
    np.testing.assert_allclose(tuple(found), tuple(scipy.stats.power_divergence(seen, hoped, lambda_=power)))


def test_groups_and_a_known_mean():
    groups = [_sample(seed, 12 + seed) for seed in range(3)]
    found = stats.f_oneway(*[da.from_array(each, 5) for each in groups]).compute()
    np.testing.assert_allclose(tuple(found), tuple(scipy.stats.f_oneway(*groups)))
    found = stats.ttest_1samp(da.from_array(groups[0], 5), 1.5).compute()
    np.testing.assert_allclose(tuple(found), tuple(scipy.stats.ttest_1samp(groups[0], 1.5)))


def test_what_does_not_vary_has_no_skewness():
    assert stats.skew(da.ones(5, chunks=2)).compute() == 0
    assert stats.kurtosis(da.ones(5, chunks=2), fisher=False).compute() == 0


def test_errors_say_what_is_possible():
    with pytest.raises(ValueError, match="7 samples"):
        stats.skewtest(da.ones(7, chunks=7))
    with pytest.raises(NotImplementedError, match="propagate"):
        stats.moment(da.ones(7, chunks=7), nan_policy="omit")
    with pytest.raises(ValueError, match="cressie-read"):
        stats.power_divergence(da.ones(7, chunks=7), lambda_="none")
    unknown = da.arange(9, chunks=3)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        stats.skewtest(unknown[unknown > 2])
