"""Tokens: equal for equal values, in every process; different for different ones."""

import operator
import subprocess
import sys
import threading

import pytest

from plait.lazy import tokenize

VALUES = [
    1,
    1.0,
    True,
    "1",
    b"1",
    None,
    (),
    [],
    {},
    (1,),
    [1],
    {1},
    {"a": 1},
    {"a": 2},
    [[1], 2],
    [1, [2]],
    1j,
    len,
    int,
]


def test_different_values_have_different_tokens():
    assert (
        len({tokenize(value) for value in VALUES} | {tokenize(), tokenize(1, 2), tokenize(operator.add)})
        == len(VALUES) + 3
    )


def test_order_of_dicts_and_sets_does_not_count():
    assert tokenize({"a": 1, "b": 2}) == tokenize({"b": 2, "a": 1})
    assert tokenize({"x", "y", "z"}) == tokenize({"z", "y", "x"})


def test_tokens_are_the_same_in_another_process():
    expression = "tokenize([1, 'a', {'k': {2, 3}, 'l': 'x'}], operator.add, range(3))"
    code = f"import operator; from plait.lazy import tokenize; print({expression})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == eval(expression)


def test_an_object_may_say_what_it_is():
    class Named:
        def __init__(self, name):
            self.name = name
            self.lock = threading.Lock()

        def __dask_tokenize__(self):
            return self.name

    assert tokenize(Named("a")) == tokenize(Named("a")) != tokenize(Named("b"))


@pytest.mark.parametrize("count", [2])
def test_what_cannot_be_pickled_is_unlike_anything(count):
    lock = threading.Lock()
    assert len({tokenize(lock) for _ in range(count)}) == count
