"""Random arrays: the same for the same seed, on every scheduler, and different in each block."""

import numpy as np

from plait.lazy import array as da
from plait.lazy.array import random


def test_a_seed_gives_the_same_array_on_each_scheduler():
    values = [
        random.default_rng(7).normal(size=(20, 3), chunks=(6, 2)).compute(scheduler=s) for s in ("sync", "threads")
    ]
    assert np.array_equal(*values)


def test_blocks_have_streams_of_their_own():
    x = random.RandomState(1).random_sample(size=40, chunks=10).compute()
    assert len(set(x.tolist())) == 40


def test_parameters_may_be_arrays():
    low = da.from_array(np.arange(6) * 10, chunks=4)
    x = random.default_rng(3).uniform(low, low + 1, chunks=4).compute()
    assert np.array_equal(np.floor(x), np.arange(6) * 10)


def test_blocks_that_are_nodes_already_can_be_taken_one_by_one():
    x = random.default_rng(3).random(10, chunks=5)
    assert np.isclose(sum(block.compute(scheduler="sync").sum() for block in x.to_delayed()), x.sum().compute())
