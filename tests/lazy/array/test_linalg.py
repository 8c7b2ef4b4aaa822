"""Linear algebra by blocks: what numpy gives."""

import numpy as np
import pytest

from plait.lazy import array as da
from plait.lazy.array import linalg

TALL = np.random.default_rng(0).random((40, 5))
SQUARE = TALL[:20] @ TALL[:20].T + np.eye(20)


def test_factors_of_a_tall_array_give_it_back():
    lazy = da.from_array(TALL, chunks=(7, 5))
    q, r = linalg.qr(lazy)
    assert np.allclose(q.compute() @ r.compute(), TALL)
    u, s, v = linalg.svd(lazy)
    assert np.allclose((u * s).compute() @ v.compute(), TALL)
    assert np.allclose(s.compute(), np.linalg.svd(TALL)[1])


def test_square_systems():
    lazy = da.from_array(SQUARE, chunks=(6, 6))
    assert np.allclose(linalg.cholesky(lazy, lower=True).compute(), np.linalg.cholesky(SQUARE))
    assert np.allclose(linalg.solve(lazy, da.ones(20, chunks=6)).compute(), np.linalg.solve(SQUARE, np.ones(20)))


@pytest.mark.parametrize("order", [None, "fro", 1, -1, 2, -2, "nuc", np.inf, -np.inf])
def test_norms(order):
    found = linalg.norm(da.from_array(TALL, chunks=(7, 5)), order).compute()
    assert np.allclose(found, np.linalg.norm(TALL, order))


def test_blocks_in_both_directions_are_refused_with_the_remedy():
    with pytest.raises(NotImplementedError, match="rechunk"):
        linalg.qr(da.ones((4, 4), chunks=2))
