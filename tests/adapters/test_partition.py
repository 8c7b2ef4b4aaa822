"""Blocks of a graph: every node in one, enough for all workers, no more than need be, and no circle among them."""

from contextlib import ExitStack
from graphlib import TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.adapters.partition import partition
from plait.lazy import delayed
from plait.lazy.lowering import lower


@delayed
def total(*values):
    return sum(values)


def arena_of(*nodes):
    return lower(list(nodes), ExitStack())


def check(arena, blocks):
    """Each node in one block, and each block behind those that it reads."""
    assert sorted(number for block in blocks for number in block) == list(range(len(arena)))
    block_of = {number: i for i, block in enumerate(blocks) for number in block}
    edges = {
        i: {block_of[each] for number in block for each in arena.inputs(number)} - {i} for i, block in enumerate(blocks)
    }
    TopologicalSorter(edges).prepare()
    assert all(each < i for i, reads in edges.items() for each in reads)


def tree(leaves, arity):
    level = [total(i) for i in range(leaves)]
    while len(level) > 1:
        level = [total(*level[i : i + arity]) for i in range(0, len(level), arity)]
    return level[0]


@given(st.lists(st.lists(st.integers(0, 200), max_size=4), min_size=1, max_size=60), st.integers(1, 8), st.data())
def test_any_graph_is_parted(shape, width, data):
    nodes = []
    for reads in shape:
        nodes.append(total(*[nodes[each % len(nodes)] for each in reads] if nodes else []))
    outputs = data.draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=5))
    arena = arena_of(*outputs)
    check(arena, partition(arena, width))


def test_few_nodes_stay_apart():
    arena = arena_of(*[total(i) for i in range(16)])
    assert len(partition(arena, 16)) == 16


def test_many_nodes_become_as_many_blocks_as_can_be_used():
    arena = arena_of(*[total(i) for i in range(5_000)])
    blocks = partition(arena, 32)
    assert len(blocks) == 32
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_a_chain_is_one_block():
    node = total(0)
    for _ in range(3_000):
        node = total(node)
    assert len(partition(arena_of(node), 32)) == 1


@pytest.mark.parametrize("arity", [2, 8])
def test_a_tree_is_parted_in_branches(arity):
    arena = arena_of(tree(4_096, arity))
    blocks = partition(arena, 32)
    check(arena, blocks)
    # 32 branches, each whole, and what joins them
    assert 32 <= len([block for block in blocks if not {i for n in block for i in arena.inputs(n)} - set(block)]) <= 64
    assert len(blocks) <= 100


def test_what_many_read_is_a_block_of_its_own():
    shared = total(1)
    arena = arena_of(*[total(shared, i) for i in range(1_000)])
    blocks = partition(arena, 16)
    check(arena, blocks)
    assert len(blocks) == 17
    assert min(map(len, blocks)) == 1


def test_a_small_fan_in_stays_apart_where_its_inputs_can_run_at_once():
    arena = arena_of(total(total(1), total(2), total(3)))
    assert len(partition(arena, 16)) == 4


def test_values_go_where_they_are_read():
    arena = arena_of(total(delayed(1), delayed([2])))
    assert len(arena) > 1
    assert len(partition(arena, 16)) == 1
