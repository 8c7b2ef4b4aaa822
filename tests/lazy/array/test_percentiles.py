"""Percentiles of blocks are merged."""

import numpy as np
import pytest

import plait.lazy.array as da


@pytest.mark.parametrize("q", [0, 7.5, 50, 100, [], [10, 90]])
def test_merged_percentiles_are_near_the_exact_ones(q):
    data = np.random.default_rng(3).normal(10, size=1000)
    found = da.percentile(da.from_array(data, chunks=(130, 0, 870)), q)
    assert found.shape == np.shape(q)
    np.testing.assert_allclose(found.compute(), np.percentile(data, q), rtol=0.02)


def test_of_words_one_is_taken():
    words = np.array(["a", "a", "d", "d", "d", "e"])
    assert da.percentile(da.from_array(words, chunks=3), [0, 50, 100]).compute().tolist() == ["a", "d", "e"]


def test_sizes_may_be_unknown():
    x = da.arange(1000, chunks=100)
    assert 400 < da.percentile(x[x % 2 == 0], 50).compute() < 600
    with pytest.raises(NotImplementedError, match="axis="):
        da.percentile(x.reshape(10, 100), 5)
