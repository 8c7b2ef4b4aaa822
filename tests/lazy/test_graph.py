"""Graphs: numbering, compressed successors, counts."""

import operator

from plait.lazy import delayed
from plait.lazy.graph import Graph


def test_inputs_come_before_their_readers_and_branches_one_by_one():
    a, b = delayed(abs)(1), delayed(abs)(2)
    c, d = delayed(operator.neg)(a), delayed(operator.neg)(b)
    top = delayed(operator.add)(c, d)
    assert [node._id for node in Graph([top]).nodes] == [node._id for node in (a, c, b, d, top)]


def test_successors_and_counts():
    a = delayed(abs)(1)
    b = delayed(operator.add)(a, a)
    c = delayed(sum)([a, b])
    graph = Graph([c, a])
    assert [list(graph.readers(i)) for i in range(3)] == [[1, 2], [2], []]
    assert list(graph.missing) == [0, 1, 2]
    assert graph.outputs == [2, 0]


def test_nodes_with_one_key_are_one():
    nodes = [delayed(abs)(1, dask_key_name="same") for _ in range(3)]
    graph = Graph([delayed(sum)(nodes)])
    assert len(graph) == 2
    assert graph.inputs[1] == (0, 0, 0)
