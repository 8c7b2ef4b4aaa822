"""What travels to a cluster: blocks give what the graph gives, and say which node failed, or could not travel."""

import pickle
import threading
from contextlib import ExitStack

import pytest

from plait.adapters.blocks import BlockFailed, cut, failure_of
from plait.lazy import compute, delayed
from plait.lazy.lowering import lower
from plait.parallel.errors import RemoteTraceback, TransportError


@delayed
def total(*values, start=0):
    return sum(values, start)


@delayed
def divide(a, b):
    return a / b


class Later:
    """A cluster's future: its value comes when the block runs."""

    def __init__(self, key):
        self.key = key


def run(nodes, threads=1, futures=None):
    """The outputs' values, each block pickled and run as a cluster does."""
    arena = lower(nodes, ExitStack())
    blocks = cut(arena, threads, Later)
    results = []
    for block in blocks:
        read = [results[each] if isinstance(each, int) else futures[each.key] for each in block.reads]
        results.append(pickle.loads(pickle.dumps(block.program))(*read))
    found = {n: block.value(n, result) for block, result in zip(blocks, results, strict=True) for n in block.gives}
    return [found[number] for number in arena.outputs]


def test_blocks_give_what_the_graph_gives():
    level = [total(i, start=i) for i in range(500)]
    shared = total(*level[:3])
    while len(level) > 1:
        level = [total(*level[i : i + 4], shared) for i in range(0, len(level), 4)]
    nodes = [level[0], shared, delayed({"a": [level[0], 1], "b": slice(shared, None)})]
    assert run(nodes) == list(compute(*nodes, scheduler="sync"))


def test_a_long_chain_travels():
    node = total(0)
    for _ in range(20_000):
        node = total(node, 1)
    assert run([node]) == [20_000]


def test_one_node_several_times_travels_once():
    node = delayed(object)()
    assert run([delayed(lambda a, b: a is b[0])(node, [node])]) == [True]


def test_nodes_of_one_key_are_one():
    pure = delayed(sum, pure=True)
    assert run([pure([1, 2]), pure([1, 2]), delayed(list)([pure([1, 2]), pure([1, 2])])]) == [3, 3, [3, 3]]


def test_functions_travel_as_values():
    assert run([delayed(sorted)([3, 1], key=delayed(abs))]) == [[1, 3]]


def test_futures_among_arguments_are_read():
    nodes = [total(Later("x"), 1), delayed(lambda v: v["k"][0])({"k": [Later("x")]})]
    assert run(nodes, futures={"x": 41}) == [42, 41]


def test_a_failure_names_the_node_and_its_arguments():
    with pytest.raises(BlockFailed, match=r"divide-\w+: divide\(3, 0\) raised ZeroDivisionError") as caught:
        run([divide(total(1, 2), 0)])
    error = failure_of(pickle.loads(pickle.dumps(caught.value)))
    assert isinstance(error, ZeroDivisionError)
    assert "divide(3, 0)" in error.__notes__[0]
    assert isinstance(error.__cause__, RemoteTraceback)
    assert str(error.__cause__).splitlines()[3].endswith("in divide")  # nothing of ours before it


class Stubborn(Exception):
    def __reduce__(self):
        raise TypeError("never")


def test_an_exception_that_cannot_travel_is_told():
    def fail():
        raise Stubborn("why")

    with pytest.raises(BlockFailed) as caught:
        run([delayed(fail)()])
    error = failure_of(pickle.loads(pickle.dumps(caught.value)))
    assert "Stubborn: why" in str(error)
    assert "fail()" in str(error)


def test_what_cannot_be_pickled_is_named():
    lock = threading.Lock()
    with pytest.raises(TransportError, match=r"total-\w+: total\(.*argument 1\['k'\] cannot be pickled"):
        run([total(total(1), {"k": lock})])
