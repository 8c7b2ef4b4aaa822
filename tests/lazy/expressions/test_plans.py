"""Plans: expressions in graphs."""

import numpy as np

import plait
from plait.lazy.array import from_array


class Counted:
    """An array that counts how often it is sliced."""

    def __init__(self, array):
        self.array, self.slices = array, 0
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index):
        self.slices += 1
        return self.array[index]


def test_building_reads_no_data():
    source = Counted(np.arange(10))
    total = from_array(source, chunks=5, name="source") * 2 + 1
    assert (total.shape, total.dtype, source.slices) == ((10,), np.dtype("int64"), 0)


def test_collections_of_one_computation_share_what_they_need():
    source = Counted(np.arange(10))
    lazy = from_array(source, chunks=5, name="source")
    plait.compute(lazy + 1, lazy * 2, scheduler="sync")
    assert source.slices == 2


def test_a_persisted_collection_keeps_its_name_and_is_not_computed_again():
    source = Counted(np.arange(10))
    lazy = from_array(source, chunks=5, name="source") + 1
    kept = lazy.persist()
    assert (kept.name, kept.compute().tolist(), source.slices) == (lazy.name, list(range(1, 11)), 2)


def test_a_graph_is_shown_with_the_keys_of_its_blocks():
    lazy = from_array(np.arange(10), chunks=5) + 1
    assert set(lazy.__dask_keys__()) <= set(lazy.dask)
    assert lazy.explain().startswith("Elementwise(")


def test_long_chains_are_lowered_without_recursion():
    lazy = from_array(np.arange(4), chunks=2)
    for _ in range(3000):
        lazy = lazy + 1
    assert lazy.compute().tolist() == [3000, 3001, 3002, 3003]
