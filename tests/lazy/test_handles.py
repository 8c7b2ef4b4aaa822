"""Lazy nodes: how they are built, named, copied, and what they refuse."""

import asyncio
import gc
import operator
import pickle
import weakref

import pytest

from plait.lazy import Delayed, compute, delayed


def test_calling_makes_a_node_and_runs_nothing():
    ran = []
    node = delayed(ran.append)(1)
    assert isinstance(node, Delayed)
    assert ran == []


def test_a_decorator_with_and_without_arguments():
    @delayed
    def one():
        return 1

    @delayed(pure=True, nout=2)
    def two():
        return 1, 2

    first, second = two()
    assert compute(one(), first, second) == (1, 1, 2)
    assert two().key == two().key
    assert one().key != one().key


def test_arguments_may_hold_nodes_at_any_depth():
    node = delayed(3)
    given = [node, (node, {"k": {node}}), slice(0, node)]
    assert compute(delayed(lambda x: x)(given)) == ([3, (3, {"k": {3}}), slice(0, 3)],)
    assert delayed(dict)(a=node, b=[node]).compute() == {"a": 3, "b": [3]}


def test_containers_are_taken_as_they_are_at_the_call():
    items = [delayed(1), 2]
    node = delayed(sum)(items)
    items.append(3)
    assert node.compute() == 3


def test_containers_without_nodes_are_passed_on_unchanged():
    items = [1, 2]
    assert delayed(lambda x: x)(items).compute(scheduler="sync") is items


def test_traverse_false_takes_a_value_as_it_is():
    inner = delayed(1)
    assert delayed([inner], traverse=False).compute()[0] is inner


@pytest.mark.parametrize(
    "name", "add sub mul truediv floordiv mod pow lshift rshift and_ or_ xor lt le eq ne gt ge".split()
)
def test_operators_from_both_sides(name):
    function = getattr(operator, name)
    assert (
        compute(function(delayed(6), 2), function(6, delayed(2)), function(delayed(6), delayed(2)))
        == (function(6, 2),) * 3
    )


def test_unary_operators_items_and_attributes():
    node = delayed(-3)
    assert compute(-node, +node, abs(node), ~node) == (3, -3, 3, 2)
    assert compute(delayed([1, 2, 3])[1:], delayed({"a": 5})["a"], divmod(delayed(7), 2)) == ([2, 3], 5, (3, 1))
    assert compute(delayed(3 + 4j).imag, delayed("abc").upper(), delayed("a,b").split(",")) == (4.0, "ABC", ["a", "b"])


def test_a_lazy_function_is_called_when_computed():
    pick = delayed(lambda name: getattr(operator, name))("neg")
    assert pick(3).compute() == -3


def test_as_a_method():
    class Counter:
        def __init__(self, start):
            self.start = start

        @delayed
        def plus(self, n):
            return self.start + n

    assert Counter(5).plus(2).compute() == 7


def test_keys():
    node = delayed(operator.add)(1, 2)
    name, token = node.key.rsplit("-", 1)
    assert name == "add"
    assert len(token) == 32
    assert node.key == node.key
    assert delayed(operator.add)(1, 2, dask_key_name="mine").key == "mine"
    assert delayed(3, name="three").key == "three"
    assert repr(node) == f"Delayed({node.key!r})"


def test_pure_calls_with_equal_arguments_run_once():
    ran = []

    def note(x, y=None):
        ran.append(x)
        return x

    call = delayed(note, pure=True)
    assert compute(call(1), call(1), call(2), call(1, y=1), scheduler="sync") == (1, 1, 2, 1)
    assert ran == [1, 2, 1]


def test_unpacking_needs_nout():
    with pytest.raises(TypeError, match="nout=N"):
        list(delayed(divmod)(7, 2))
    with pytest.raises(TypeError, match="nout=N"):
        len(delayed(divmod)(7, 2))
    with pytest.raises(ValueError, match="nout=-1 is not a number of results"):
        delayed(divmod, nout=-1)(7, 2)
    quotient, remainder = delayed(divmod, nout=2)(7, 2)
    assert compute(quotient, remainder) == (3, 1)


def test_what_a_node_refuses():
    node = delayed(1)
    with pytest.raises(TypeError, match="truth"):
        bool(node)
    with pytest.raises(TypeError, match="immutable"):
        node.name = 1
    with pytest.raises(TypeError, match="immutable"):
        node[0] = 1
    with pytest.raises(AttributeError, match="_private"):
        node._private
    with pytest.raises(TypeError, match="not iterable|unknown length"):
        iter(node)


def test_delayed_of_a_node_is_that_node():
    node = delayed(1)
    assert delayed(node) is node


def test_a_graph_is_freed_with_its_last_handle():
    class Value:
        pass

    value = Value()
    ref = weakref.ref(value)
    node = delayed(abs)(0)
    for _ in range(50_000):  # deep enough to overflow a recursive release
        node = delayed(min)(node, value)
    del value
    gc.disable()
    try:
        del node
        assert ref() is None
    finally:
        gc.enable()


def test_pickling_takes_the_graph_along():
    shared = delayed(operator.neg)(3)
    node = delayed(operator.add)(shared, [shared][0])
    copy = pickle.loads(pickle.dumps(node))
    assert copy.key == node.key
    assert copy.compute() == -6
    function = pickle.loads(pickle.dumps(delayed(operator.neg)))
    assert function(2).compute() == -2


def test_the_call_protocol():
    assert delayed(divmod)(7, 2).__plait_call__() == (divmod, (7, 2), {})
    with pytest.raises(TypeError, match="has lazy inputs"):
        delayed(divmod)(7, delayed(2)).__plait_call__()


def test_awaiting_gives_the_node_itself_and_begins_nothing():
    ran = []
    node = delayed(ran.append)(1)

    async def wait():
        return await node

    assert asyncio.run(wait()) is node
    assert not ran
