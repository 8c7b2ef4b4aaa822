"""Arenas: numbering, rows of inputs and readers, one node a key, what a run holds."""

import gc
import operator
import random
import weakref

import pytest

from plait.lazy import delayed
from plait.lazy._native.arena import Arena, Execution


def test_inputs_come_before_their_readers_and_branches_one_by_one():
    a, b = delayed(abs)(1), delayed(abs)(2)
    c, d = delayed(operator.neg)(a), delayed(operator.neg)(b)
    top = delayed(operator.add)(c, d)
    assert [node._id for node in Arena([top]).nodes] == [node._id for node in (a, c, b, d, top)]


def test_inputs_and_readers_count_each_occurrence():
    a = delayed(abs)(1)
    b = delayed(operator.add)(a, a)
    c = delayed(sum)([a, b])
    arena = Arena([c, a])
    assert [arena.inputs(i) for i in range(3)] == [(), (0, 0), (0, 1)]
    assert [arena.readers(i) for i in range(3)] == [(1, 1, 2), (2,), ()]
    assert arena.outputs == [2, 0]


def test_nodes_with_one_key_are_one():
    nodes = [delayed(abs)(i, dask_key_name=f"same{i % 2}") for i in range(6)]
    between = delayed(operator.neg)(nodes[3])
    arena = Arena([delayed(sum)([*nodes, between]), nodes[5]])
    assert [node.key for node in arena.nodes[:2]] == ["same0", "same1"]
    assert len(arena) == 4
    assert arena.inputs(3) == (0, 1, 0, 1, 0, 1, 2)
    assert arena.outputs == [3, 1]


def test_a_graph_of_a_million_levels_is_lowered_without_recursion():
    node = delayed(abs)(1)
    for _ in range(200_000):
        node = node + 1
    execution = Execution(Arena([node]))
    execution.run_all()
    assert execution.outputs() == [200_001]


def test_random_graphs_give_what_plain_calls_give():
    numbers = random.Random(5)
    for _ in range(200):
        nodes, values = [delayed(int)(7)], [7]
        for _ in range(numbers.randrange(1, 40)):
            picked = [numbers.randrange(len(nodes)) for _ in range(numbers.randrange(0, 20))]
            nodes.append(delayed(sum)([nodes[i] for i in picked], 1))
            values.append(sum(values[i] for i in picked) + 1)
        execution = Execution(Arena(list(nodes)))
        while execution.ready:
            number = execution.take()
            execution.finish(number, execution.call(number))
        assert not execution.unfinished
        assert execution.outputs() == values


def test_ready_nodes_are_taken_smallest_first():
    leaves = [delayed(abs)(i) for i in range(50)]
    execution = Execution(Arena([delayed(sum)(leaves)]))
    taken = [execution.take() for _ in range(50)]
    assert taken == list(range(50))
    numbers = random.Random(3).sample(taken, 50)
    for number in numbers[:-1]:
        assert execution.finish(number, 0) == 0
    assert execution.take() == -1
    assert execution.finish(numbers[-1], 0) == 1
    assert execution.take() == 50


class Value:
    pass


def test_a_result_is_let_go_with_its_last_reader():
    value = delayed(Value)()
    readers = [delayed(type)(value) for _ in range(2)]
    execution = Execution(Arena(readers))
    made = execution.call(0)
    alive = weakref.ref(made)
    execution.finish(0, made)
    del made
    execution.finish(1, execution.call(1))
    assert alive() is not None
    execution.finish(2, execution.call(2))
    assert alive() is None
    assert execution.outputs() == [Value, Value]


def test_a_graph_is_freed_with_its_last_handle():
    value = Value()
    alive = weakref.ref(value)
    node = delayed(type)(value)
    reader = delayed(repr)(node)
    del value, node
    gc.collect()
    assert alive() is not None
    del reader
    assert alive() is None


def test_a_node_in_a_cycle_is_collected():
    holder = Value()
    holder.node = delayed(type)(holder)
    alive = weakref.ref(holder)
    del holder
    gc.collect()
    assert alive() is None


def test_a_number_that_is_not_of_the_graph_is_refused():
    arena = Arena([delayed(abs)(1)])
    with pytest.raises(IndexError, match="number=1 is not of this graph; its nodes are 0 to 0"):
        arena.inputs(1)
    with pytest.raises(IndexError, match="number=-1"):
        Execution(arena).call(-1)


def test_a_list_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError, match="looking for lazy nodes"):
        delayed(len)(endless)


def test_what_one_node_alone_reads_is_known():
    shared, single = delayed(int)(1), delayed(int)(2)
    arena = Arena([delayed(sum)([shared, shared, single]), delayed(abs)(single.real), single.imag])
    once = dict(zip([node.key for node in arena.nodes], arena.read_once(), strict=True))
    assert once[shared.key] == once[single.key] == 0
    assert sorted(once.values()) == [0] * 5 + [1]
