"""Functions of dicts, sets, tuples and nested lists."""

import collections

import pytest

from plait.lazy.containers import (
    concrete,
    deepmap,
    digit,
    ensure_dict,
    ensure_set,
    homogeneous_deepmap,
    insert,
    is_namedtuple_instance,
    iter_chunks,
    ndeepmap,
    ndimlist,
    stringify,
    unzip,
)


def double(x):
    return 2 * x


def test_plain_dicts_and_sets_are_taken_as_they_are():
    class Graph(dict):
        def to_dict(self):
            return {"made": 1}

    plain, one = {"x": 1}, {1}
    assert ensure_dict(plain) is plain
    assert ensure_dict(plain, copy=True) is not plain
    assert ensure_dict(collections.OrderedDict(plain)) == plain
    assert ensure_dict(Graph()) == {"made": 1}
    assert ensure_set(one) is one
    assert ensure_set(one, copy=True) is not one
    assert ensure_set(frozenset(one)) == one


def test_nested_lists():
    assert ndeepmap(0, double, [1]) == ndeepmap(0, double, 1) == 2
    assert ndeepmap(2, double, [[1, 2], [3]]) == [[2, 4], [6]]
    assert homogeneous_deepmap(double, [[1, 2], [3]]) == [[2, 4], [6]]
    assert homogeneous_deepmap(double, 1) == 2
    assert deepmap(max, [[1, 5], 3], [[2, 4], 6]) == [[2, 5], 6]
    assert [ndimlist(x) for x in (1, [], [1], [[1]], [[], []])] == [0, 1, 1, 2, 2]
    assert concrete(iter(map(iter, [[1], [2]]))) == [[1], [2]]


def test_tuples_and_numbers():
    assert insert(("a", "b", "c"), 1, "x") == ("a", "x", "c")
    assert [digit(123, k, 10) for k in range(4)] == [3, 2, 1, 0]
    assert unzip([[1, 2], [3, 4]], 2) == [(1, 3), (2, 4)]
    assert unzip([], 2) == [(), ()]


def test_sizes_in_chunks():
    assert list(iter_chunks([14, 8, 5, 9, 7, 9, 1, 19], 19)) == [[14], [8, 5], [9, 7], [9, 1], [19]]
    assert list(iter_chunks([], 1)) == []
    with pytest.raises(ValueError, match="size 3 is more than max_size=2"):
        list(iter_chunks([1, 3], 2))


def test_named_tuples():
    assert is_namedtuple_instance(collections.namedtuple("T", "a")(1))
    assert not is_namedtuple_instance((1,))


def test_keys_as_text():
    graph = {("x", 1): (double, 1), ("x", 2): (double, [("x", 1), 5])}
    assert stringify("x") == "x"
    assert stringify(b"x") == b"x"
    assert stringify(("x", 1)) == "('x', 1)"
    assert stringify(graph, exclusive=graph) == {("x", 1): (double, 1), ("x", 2): (double, ["('x', 1)", 5])}
    assert stringify(graph, exclusive=()) == graph
