"""Names and parameters of functions; functions that can be pickled."""

import functools
import operator
import pickle

import numpy as np
import pytest

from plait.lazy.functions import (
    M,
    apply,
    funcname,
    has_keyword,
    itemgetter,
    methodcaller,
    partial_by_order,
    takes_multiple_arguments,
    typename,
)


def plain(a, b, c=None):
    return a, b, c


class Kind:
    def __init__(self, a, b):
        pass

    def __call__(self, a):
        pass


def test_names():
    long = type("Long", (), {"__name__": "n" * 80})()
    assert funcname(plain) == funcname(functools.partial(functools.partial(plain, 1), c=1)) == "plain"
    assert [funcname(f) for f in (lambda: 1, Kind, Kind(1, 2), M.sum)] == ["lambda", "Kind", "Kind", "sum"]
    assert funcname(np.vectorize(int)) == "vectorize_int"
    assert funcname(np.vectorize(functools.partial(np.add, out=None))) == "vectorize_add"
    assert funcname(long) == "n" * 50


def test_type_names():
    assert typename(Kind(1, 2)) == typename(Kind) == f"{__name__}.Kind"
    assert typename(Kind, short=True) == f"{__name__.partition('.')[0]}.Kind"
    assert typename(int) == "int"


def test_parameters():
    assert has_keyword(plain, "a")
    assert has_keyword(functools.partial(plain, a=1), "c")
    assert not has_keyword(plain, "d")
    assert not has_keyword(dict.fromkeys, "no")


@pytest.mark.parametrize("f", [plain, map, pow, Kind, lambda *args: 0])
def test_functions_of_several_arguments(f):
    assert takes_multiple_arguments(f)


@pytest.mark.parametrize("f", [sum, len, str, int, bool, Kind(1, 2), lambda: 0, lambda a, b=1: 0])
def test_functions_of_one_argument(f):
    assert not takes_multiple_arguments(f)


def test_varargs_may_be_left_out():
    assert not takes_multiple_arguments(lambda *args: 0, varargs=False)


def test_calls():
    assert apply(plain, [1, 2], {"c": 3}) == (1, 2, 3)
    assert apply(plain, (1, 2)) == (1, 2, None)
    assert partial_by_order(5, function=operator.sub, other=[(1, 20)]) == -15
    assert partial_by_order(5, function=operator.sub, other=[(0, 20)]) == 15


def test_method_callers_are_one_a_name_everywhere():
    count = methodcaller("count")
    assert count([1, 1], 1) == 2
    assert count is M.count is pickle.loads(pickle.dumps(count))
    assert "count" in dir(M)
    assert repr(count) == "<methodcaller: count>"


def test_item_getters():
    second = itemgetter(1)
    assert second("ab") == pickle.loads(pickle.dumps(second))("ab") == "b"
    assert second == itemgetter(1) != itemgetter(2)
    assert hash(second) == hash(itemgetter(1))
    assert second != operator.itemgetter(1)
