"""Which layers become one, and that it changes no value."""

import gc
import operator
import pickle
import weakref
from contextlib import ExitStack

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from plait.lazy import compute
from plait.lazy._native.arena import Arena
from plait.lazy.blocks import PerBlock, blockwise
from plait.lazy.blocks.expanding import fused, plain
from plait.lazy.blocks.programs import Program, Step


def source(name="x", count=4):
    return blockwise(operator.itemgetter(0), "i", (PerBlock(lambda i: i), "i"), name=name, sizes={"i": count})


def step(function, *layers, name, out="i"):
    return blockwise(function, out, *((layer, "i") for layer in layers), name=name)


def names(*layers):
    """The layers that are left when a graph is lowered."""
    arena = Arena(fused(Arena(list(layers)), ExitStack()))
    return {node.key[0] for node in arena.nodes}


def test_a_chain_becomes_one():
    x = source()
    for i in range(5):
        x = step(operator.neg, x, name=f"n{i}")
    assert names(x) == {"n4"}
    assert compute(x) == ([0, -1, -2, -3],)


def test_a_diamond_becomes_one():
    x = source()
    up = blockwise(operator.add, "i", (x, "i"), (1, None), name="up")
    product = step(operator.mul, up, x, name="product")
    assert names(product) == {"product"}
    assert compute(product) == ([0, 2, 6, 12],)


def test_what_is_computed_too_stays():
    x = source()
    y = step(operator.neg, x, name="y")
    assert names(x, y) == {"x", "y"}


def test_what_two_groups_read_stays():
    x = source()
    one, other = step(operator.neg, x, name="one"), step(abs, x, name="other")
    assert names(one, other) == {"x", "one", "other"}


def test_what_several_blocks_read_is_not_made_in_each_of_them():
    x = source("x", 1)
    wide = blockwise(operator.add, "i", (source("y", 3), "i"), (x, "i"), name="wide")
    assert names(wide) == {"wide", "x"}
    both = blockwise(operator.add, "ij", (source("a", 2), "i"), (source("b", 2), "j"), name="both")
    assert names(both) == {"both", "a", "b"}


def test_what_is_gone_over_stays_parallel():
    total = blockwise(sum, "", (source(), "i"), name="total")
    assert names(total) == {"total", "x"}


def test_a_layer_that_goes_over_an_axis_is_made_within_its_reader():
    total = blockwise(sum, "", (source(), "i"), name="total")
    root = blockwise(operator.neg, "", (total, ""), name="root")
    assert names(root) == {"root", "x"}
    assert compute(root) == ([-6],)


def test_one_layer_read_at_two_places_stays():
    x = blockwise(lambda i: i, "ij", (PerBlock(lambda i: i), "ij"), name="x", sizes={"i": 2, "j": 2})
    both = blockwise(lambda *each: each, "ij", (x, "ij"), (x, "ji"), name="both")
    assert names(both) == {"both", "x"}
    assert compute(both) == ([((0, 0), (0, 0)), ((0, 1), (1, 0)), ((1, 0), (0, 1)), ((1, 1), (1, 1))],)


def test_a_layer_that_a_node_reads_stays():
    x = source()
    y = blockwise(lambda a, all: (a, all), "i", (x, "i"), (x, None), name="y")
    assert compute(y) == ([(i, [0, 1, 2, 3]) for i in range(4)],)


def test_each_block_keeps_its_key():
    y = step(operator.neg, source(), name="y")
    arena = Arena(fused(Arena([y]), ExitStack()))
    assert [node.key for node in arena.nodes if len(node.key) == 2 and node.key[1] != "blocks"] == [
        ("y", i) for i in range(4)
    ]


def test_a_fused_error_shows_the_function_that_failed():
    def fails(x):
        raise LookupError("here")

    end = step(operator.neg, step(fails, source(), name="bad"), name="end")
    with pytest.raises(LookupError, match="here") as caught:
        compute(end)
    assert "end" in caught.value.__notes__[0] and "fails" in caught.value.__notes__[0]


def test_a_program_lets_go_of_what_nobody_reads_any_more():
    class Large:
        pass

    alive = []

    def make():
        large = Large()
        alive.append(weakref.ref(large))
        return large

    def later(one, two):
        gc.collect()
        return [each() is not None for each in alive]

    program = Program(
        0, (), [Step(make, ()), Step(lambda large: 1, (0,)), Step(make, ()), Step(later, (1, 2)), Step(list, (3,))]
    )
    assert program() == [False, True]


def test_a_program_can_be_sent():
    program = Program(1, (2,), [Step(operator.add, (0, 1)), Step(sorted, (2, 2), ("key",))])
    copy = pickle.loads(pickle.dumps(program))
    assert (copy.steps, copy.constants, copy.__name__) == (program.steps, program.constants, "add | sorted")


@settings(max_examples=60, deadline=None)
@examples(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), min_size=1, max_size=12))
def test_fusing_changes_no_value(rows):
    """Random graphs of layers, some with the axes exchanged or gone over, computed fused and as they are."""
    layers = [
        blockwise(lambda i: i[0] + 10 * i[1], "ij", (PerBlock(lambda i: i), "ij"), name="x", sizes={"i": 2, "j": 3})
    ]
    for number, (left, right, over) in enumerate(rows):
        a, b = layers[left % len(layers)], layers[right % len(layers)]
        if over:
            b = blockwise(_total, "i", (b, "ij"), name=f"over{number}")
        pattern = "i" if over else "ij"
        layers.append(blockwise(operator.sub, "ij", (a, "ij"), (b, pattern), name=f"n{number}"))
    outputs = [layers[-1], layers[len(layers) // 2]]
    kept = plain(Arena(outputs))
    assert list(compute(*outputs, scheduler="sync")) == list(compute(*kept, scheduler="sync"))


def _total(blocks):
    return sum(blocks)
