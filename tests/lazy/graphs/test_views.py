"""Our layers of blocks as layered graphs."""

import operator

from plait.lazy import compute, delayed, get
from plait.lazy._native.nodes import make
from plait.lazy.blocks import PerBlock, block, blockwise, given, made
from plait.lazy.graphs.chunks import ArrayBlockIdDep, ArrayChunkShapeDep, ArraySliceDep, ArrayValuesDep
from plait.lazy.graphs.views import layered


def source(name="x"):
    return blockwise(lambda i: i[0], "i", (PerBlock(lambda i: i), "i"), name=name, sizes={"i": 3})


def test_each_layer_is_a_layer_and_makes_no_tasks_before_it_is_asked():
    y = blockwise(operator.neg, "i", (source(), "i"), name="y")
    graph = layered([y])
    assert graph.dependencies == {"x": set(), "y": {"x"}}
    assert len(graph) == 6 and ("y", 2) in graph and ("y", 3) not in graph
    assert not any(layer.is_materialized() for layer in graph.layers.values())
    assert get(graph, [("y", i) for i in range(3)]) == (0, -1, -2)
    assert set(graph.layers["y"]) == {("y", i) for i in range(3)}


def test_lazy_values_blocks_and_lists_of_blocks_are_read_across_layers():
    x = source()
    one = delayed(abs)(-5)
    y = blockwise(lambda *each: each, "i", (x, "i"), (one, None), (x, None), (block(x, (2,)), None), name="y")
    graph = layered([y])
    assert get(graph, ("y", 1)) == (1, 5, [0, 1, 2], 2)
    assert compute(y)[0][1] == (1, 5, [0, 1, 2], 2)


def test_nodes_within_a_made_layer_belong_to_it():
    def summed(keys, blocks):
        inner = make(operator.add, (blocks[0,], blocks[1,]), None, None, None, "inner")
        return [make(operator.add, (inner, blocks[2,]), None, None, None, keys[0])]

    total = made(summed, [source()], (), "total")
    graph = layered([total])
    assert set(graph.layers["total"]) == {"inner", ("total",)}
    assert get(graph, ("total",)) == 3


def test_given_nodes_keep_their_keys():
    nodes = [delayed(abs)(-1, dask_key_name="one"), delayed(abs)(-2, dask_key_name="two")]
    y = blockwise(operator.neg, "i", (given(nodes, (2,), "g"), "i"), name="y")
    assert get(layered([y]), [("y", 0), ("y", 1), "one"]) == (-1, -2, 1)


def test_what_is_known_of_chunks_is_known_by_index():
    chunks = ((2, 3), (4,))
    assert ArrayChunkShapeDep(chunks)[1, 0] == (3, 4)
    assert ArraySliceDep(chunks)[1, 0] == (slice(2, 5, None), slice(0, 4, None))
    assert ArrayBlockIdDep(chunks)[1, 0] == (1, 0)
    assert ArrayValuesDep(chunks, {(1, 0): "v"})[1, 0] == "v"
    assert ArraySliceDep(chunks).numblocks == (2, 1)
