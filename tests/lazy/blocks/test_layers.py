"""Layers of blocks: what they compute, and what they refuse."""

import operator
from itertools import product

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from plait.lazy import compute, delayed
from plait.lazy.blocks import BlocksError, PerBlock, block, blockwise, given, made, nested, parts


def source(name, *numblocks):
    """Blocks that hold (name, *their index)."""
    labels = tuple(range(len(numblocks)))
    index = PerBlock(lambda index: index)
    sizes = dict(zip(labels, numblocks, strict=True))
    return blockwise(lambda index: (name, *index), labels, (index, labels), name=name, sizes=sizes)


def listed(*args, **kwargs):
    return (*args, *kwargs.items())


def test_a_layer_gives_its_blocks_in_order():
    assert compute(source("x", 2, 3)) == ([("x", i, j) for i, j in product(range(2), range(3))],)


def test_equal_labels_mean_equal_indices():
    both = blockwise(listed, "ji", (source("x", 2, 3), "ij"), (source("y", 3), "j"), name="b")
    assert both.numblocks == (3, 2)
    assert compute(both)[0] == [(("x", i, j), ("y", j)) for j, i in product(range(3), range(2))]


def test_a_label_that_is_not_in_the_result_is_gone_over_in_nested_lists():
    over = blockwise(listed, "j", (source("x", 2, 3, 2), "ijk"), name="b")
    assert compute(over)[0] == [([[("x", i, j, k) for k in range(2)] for i in range(2)],) for j in range(3)]


def test_the_only_block_of_an_axis_is_repeated():
    wide = blockwise(listed, "ij", (source("x", 1, 3), "ij"), (source("y", 2, 1), "ij"), name="b")
    assert compute(wide)[0] == [(("x", 0, j), ("y", i, 0)) for i, j in product(range(2), range(3))]


def test_one_label_twice_takes_the_diagonal():
    assert compute(blockwise(listed, "i", (source("x", 2, 2), "ii"), name="b"))[0] == [
        (("x", 0, 0),),
        (("x", 1, 1),),
    ]


def test_values_and_keywords_are_passed_on_and_lazy_ones_computed_first():
    layer = blockwise(
        listed, "i", (source("x", 1), "i"), ([delayed(abs)(-1), 2], None), (3, None), name="b", k=delayed(abs)(-4), m=5
    )
    assert compute(layer) == ([(("x", 0), [1, 2], 3, ("k", 4), ("m", 5))],)


def test_a_value_that_looks_like_a_key_or_a_task_stays_a_value():
    layer = blockwise(listed, "i", (source("x", 1), "i"), (("x", 0), None), ((len, "abc"), None), name="b")
    assert compute(layer) == ([(("x", 0), ("x", 0), (len, "abc"))],)
    graph = layer_graph(layer)
    assert compute_plain(graph, ("b", 0)) == (("x", 0), ("x", 0), (len, "abc"))


def layer_graph(layer):
    from plait.lazy.plain import graph_of

    return graph_of(parts(layer))


def compute_plain(graph, key):
    from plait.lazy import get

    return get(graph, key, scheduler="sync")


def test_a_layer_without_axes_has_one_block():
    x = blockwise(lambda: 7, "", name="x")
    assert compute(x) == ([7],)
    assert [node.key for node in parts(x)] == [("x",)]


def test_as_an_argument_a_layer_is_the_list_of_its_blocks():
    assert delayed(len)(source("x", 2, 2)).compute() == 4


def test_nodes_that_there_are_make_a_layer():
    layer = given([delayed(abs)(-1), delayed(abs)(-2)], (2,), "g")
    assert compute(blockwise(operator.neg, "i", (layer, "i"), name="n"), layer) == ([-1, -2], [1, 2])


def test_a_function_may_make_the_nodes_of_a_layer():
    def pairs(keys, blocks):
        from plait.lazy._native.nodes import make

        return [
            make(operator.add, (blocks[2 * i,], blocks[2 * i + 1,]), None, None, None, key)
            for i, key in enumerate(keys)
        ]

    numbers = given([delayed(abs)(-i) for i in range(4)], (4,), "g")
    halves = made(pairs, [numbers], (2,), "h")
    assert compute(blockwise(operator.neg, "i", (halves, "i"), name="n")) == ([-1, -5],)


def test_one_block_runs_only_what_it_needs():
    ran = []
    x = blockwise(lambda i: ran.append(i) or i[0], "i", (PerBlock(lambda i: i), "i"), name="x", sizes={"i": 5})
    y = blockwise(operator.neg, "i", (x, "i"), name="y")
    assert compute(block(y, (3,)), scheduler="sync") == (-3,)
    assert ran == [(3,)]


def test_one_block_of_a_layer_that_goes_over_an_axis_needs_all_along_it():
    ran = []
    x = blockwise(lambda i: ran.append(i) or 1, "ij", (PerBlock(lambda i: i), "ij"), name="x", sizes={"i": 2, "j": 3})
    y = blockwise(sum, "i", (x, "ij"), name="y")
    assert compute(block(y, (1,)), scheduler="sync") == (3,)
    assert sorted(ran) == [(1, 0), (1, 1), (1, 2)]


def test_one_block_and_all_blocks_share_what_runs():
    ran = []
    x = blockwise(lambda i: ran.append(i) or i[0], "i", (PerBlock(lambda i: i), "i"), name="x", sizes={"i": 3})
    assert compute(block(x, (1,)), x, scheduler="sync") == (1, [0, 1, 2])
    assert len(ran) == 3


def test_layers_of_one_name_are_one():
    ran = []

    def layer():
        return blockwise(lambda: ran.append(1), "i", name="x", sizes={"i": 2})

    compute(layer(), layer(), scheduler="sync")
    assert len(ran) == 2


def test_what_a_node_shows_has_all_layers_with_their_keys():
    x = source("x", 2)
    y = blockwise(listed, "i", (x, "i"), name="y")
    graph = delayed(listed, name="end")(block(y, (0,)), block(y, (1,))).__dask_graph__()
    assert {("x", 0), ("x", 1), ("y", 0), ("y", 1)} <= set(graph)


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ([("text", "i")], "no blocks"),
        ([(source("x", 2), "ij")], "1 axes"),
        ([(source("x", 2), "i"), (source("y", 3), "i")], "rechunk"),
        ([(source("x", 2), "j")], "no operand has the axis 'i'"),
        ([(PerBlock(len), "k"), (source("x", 2), "i")], "goes by"),
    ],
)
def test_operands_that_do_not_fit_are_named(operands, message):
    with pytest.raises(BlocksError, match=message):
        blockwise(listed, "i", *operands, name="b")


def test_nodes_and_numbers_of_blocks_must_agree():
    with pytest.raises(BlocksError, match="2 nodes for"):
        given([delayed(1), delayed(2)], (3,), "g")


def test_a_block_that_there_is_not_is_refused():
    with pytest.raises(IndexError, match="no block"):
        block(source("x", 2), (2,))


@pytest.mark.parametrize("numblocks", [(), (3,), (2, 3), (2, 1, 2)])
def test_nested_lists_have_the_shape_of_the_blocks(numblocks):
    values = list(product(*map(range, numblocks)))
    shaped = nested(values, numblocks)
    for index in values:
        found = shaped
        for i in index:
            found = found[i]
        assert found == index


@settings(max_examples=60, deadline=None)
@examples(st.data())
def test_any_pattern_reads_the_blocks_that_it_says(data):
    """Against a plain definition: each index of the result, looked up label by label."""
    counts = {label: data.draw(st.integers(1, 3), label) for label in "ijk"}
    out = data.draw(st.permutations("ijk"))[: data.draw(st.integers(0, 3))]
    operands, sources = [], []
    for number in range(data.draw(st.integers(1, 3))):
        pattern = data.draw(st.permutations("ijk"))[: data.draw(st.integers(0, 3))]
        narrow = {label for label in pattern if data.draw(st.booleans())}
        numblocks = [1 if label in narrow else counts[label] for label in pattern]
        operands.append((source(f"x{number}", *numblocks), pattern))
        sources.append((f"x{number}", pattern, narrow))
    layer = blockwise(listed, out, *operands, name="b", sizes=counts)

    def expected(index):
        place = dict(zip(out, index, strict=True))
        return tuple(read(name, pattern, narrow, place) for name, pattern, narrow in sources)

    def read(name, pattern, narrow, place):
        free = [label for label in pattern if label not in place]
        if not free:
            return (name, *(0 if label in narrow else place[label] for label in pattern))
        return [read(name, pattern, narrow, {**place, free[0]: i}) for i in range(counts[free[0]])]

    assert compute(layer, scheduler="sync")[0] == [
        expected(i) for i in product(*(range(counts[label]) for label in out))
    ]
