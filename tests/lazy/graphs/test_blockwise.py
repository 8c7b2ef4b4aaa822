"""Blockwise layers of other libraries."""

import operator

import numpy as np

from plait.lazy import delayed, get
from plait.lazy.graphs.blockwise import BlockIndex, BlockwiseDepDict, blockwise
from plait.lazy.graphs.layered import HighLevelGraph

X = {("x", i, j): 10 * i + j for i in range(2) for j in range(3)}


def run(layer, *keys):
    graph = HighLevelGraph({"x": X, layer.output: layer}, {"x": set(), layer.output: {"x"}})
    return get(graph, list(keys))


def listed(*args, **kwargs):
    return (*args, *kwargs.items())


def test_each_block_reads_the_blocks_at_its_index():
    layer = blockwise(listed, "y", "ji", "x", "ij", 5, None, numblocks={"x": (2, 3)}, k=1)
    assert run(layer, ("y", 2, 1)) == ((12, 5, ("k", 1)),)


def test_tasks_are_made_when_one_is_asked_for():
    layer = blockwise(listed, "y", "ij", "x", "ij", numblocks={"x": (2, 3)})
    assert len(layer) == 6
    assert layer.get_output_keys() == {("y", i, j) for i in range(2) for j in range(3)}
    assert ("y", 1, 2) in layer and ("y", 2, 0) not in layer
    assert not layer.is_materialized()
    assert layer["y", 0, 0] is not None
    assert layer.is_materialized()


def test_a_label_that_is_not_in_the_result_is_gone_over():
    assert run(blockwise(listed, "y", "i", "x", "ij", numblocks={"x": (2, 3)}), ("y", 1)) == (([10, 11, 12],),)


def test_blocks_that_are_gone_over_may_be_joined():
    arrays = {("x", 0, j): np.full(2, j) for j in range(3)}
    layer = blockwise(np.sum, "y", "i", "x", "ij", numblocks={"x": (1, 3)}, concatenate=lambda parts, axes: sum(parts))
    graph = HighLevelGraph({"x": arrays, "y": layer}, {"x": set(), "y": {"x"}})
    assert get(graph, ("y", 0)) == 6
    layer = blockwise(np.shape, "y", "i", "x", "ij", numblocks={"x": (1, 3)}, concatenate=True)
    arrays = {("x", 0, j): np.zeros((2, j + 1)) for j in range(3)}
    graph = HighLevelGraph({"x": arrays, "y": layer}, {"x": set(), "y": {"x"}})
    assert get(graph, ("y", 0)) == (2, 6)


def test_operands_may_be_known_by_index():
    layer = blockwise(
        listed, "y", "ij", BlockIndex((2, 3)), "ij", BlockwiseDepDict({(0,): "a", (1,): "b"}), "i", numblocks={}
    )
    assert run(layer, ("y", 1, 2)) == (((1, 2), "b"),)


def test_new_axes_have_as_many_blocks_as_they_have_sizes():
    layer = blockwise(listed, "y", "ijk", "x", "ij", numblocks={"x": (2, 3)}, new_axes={"k": (4, 4)})
    assert len(layer) == 12
    assert run(layer, ("y", 1, 1, 1)) == ((11,),)


def test_a_culled_layer_has_some_blocks_and_has_made_none():
    layer = blockwise(operator.neg, "y", "ij", "x", "ij", numblocks={"x": (2, 3)})
    graph = HighLevelGraph({"x": X, "y": layer}, {"x": set(), "y": {"x"}}).cull({("y", 1, 1)})
    assert not graph.layers["y"].is_materialized()
    assert set(graph) == {("y", 1, 1), ("x", 1, 1)}
    assert get(graph, ("y", 1, 1)) == -11


def test_a_lazy_value_stands_for_its_key():
    lazy = delayed(operator.neg)(3)
    layer = blockwise(listed, "y", "i", lazy, None, BlockIndex((1,)), "i", numblocks={}, k=lazy)
    graph = {**lazy.__dask_graph__(), **layer}
    assert get(graph, ("y", 0)) == (-3, (0,), ("k", -3))
