"""Tokens: equal for equal values, in every process; different for different ones."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import json
import operator
import pathlib
import pickle
import random
import re
import subprocess
import sys
import threading
import types
import uuid
import zoneinfo
from concurrent.futures import ThreadPoolExecutor

import cloudpickle
import pytest

from plait.greenlet import getcurrent, greenlet
from plait.lazy import config, tokenize
from plait.lazy._native.tokens import walks
from plait.lazy.tokens import TokenizationError, normalize_token

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


def test_builtin_values_have_the_tokens_of_dask():
    assert tokenize(1) == md5("(1,)")
    assert tokenize([1, "a"], k={2: (3.0, None)}) == md5(
        "((('list', (1, 'a')),), (('tuple', ('k', ('dict', (('tuple', (2, ('tuple', (3.0, None)))),)))),))"
    )


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def test_keys_that_look_alike_do_not_depend_on_their_order():
    assert tokenize({1: "a", "1": "b"}) == tokenize({"1": "b", 1: "a"}) != tokenize({1: "b", "1": "a"})
    assert tokenize({1, "1"}) == tokenize({"1", 1})


def test_containers_within_themselves():
    one, other = [1, 2], [1, 3]
    one[0], other[0] = one, other
    assert tokenize(one) != tokenize(other)
    twins = [[], []]
    twins[0].append(twins[0])
    twins[1].append(twins[1])
    crossed = [[], []]
    crossed[0].append(crossed[1])
    crossed[1].append(crossed[0])
    assert tokenize(twins) != tokenize(crossed)
    mapping = {}
    mapping["self"] = mapping
    assert tokenize(mapping) == tokenize(mapping)


def test_containers_too_deep_are_an_error_not_a_crash():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        tokenize(deep)

    class Deep:
        def __dask_tokenize__(self):
            return deep

    with pytest.raises(RecursionError):
        tokenize(Deep())
    assert tokenize([1]) == tokenize([1])


def test_a_handler_takes_tokens_of_its_own():
    class Holder:
        def __init__(self, held):
            self.held = held

        def __dask_tokenize__(self):
            return tokenize(self.held)

    shared = [1, 2]
    assert tokenize(shared, Holder(shared), shared) == tokenize([1, 2], Holder([1, 2]), [1, 2])


def test_what_a_handler_gives_is_reduced_in_turn():
    class Array:
        def __init__(self, *numbers):
            self.numbers = numbers

        def __dask_tokenize__(self):
            return [{"b": 1, "a": set(self.numbers)}, type(self)]

    assert tokenize(Array(1, 2)) == tokenize(Array(2, 1)) != tokenize(Array(1, 3))


def test_a_registered_handler_precedes_the_method():
    class Both:
        def __dask_tokenize__(self):
            return "method"

    before = tokenize(Both())
    normalize_token.register(Both, lambda x: "handler")
    assert tokenize(Both()) != before


def test_no_walk_is_left_behind():
    class Failing:
        def __dask_tokenize__(self):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        tokenize([Failing()])
    tokenize([len, {"a": operator.add}])
    assert not walks


def test_threads_do_not_see_each_others_walks():
    def deep(n):
        return [n, deep(n - 1)] if n else [object_with_parts]

    class Parts:
        pass

    object_with_parts = Parts()
    object_with_parts.a = [1, {2: 3}]
    value = deep(60)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(tokenize, [value] * 300))) == 1


def test_greenlets_of_one_thread_do_not_see_each_others_walks():
    shared = [1]

    class Switching:
        def __dask_tokenize__(self):
            main.switch()
            return "x"

    main = getcurrent()
    shared.append(Switching())
    tokens = []
    walkers = [greenlet(lambda: tokens.append(tokenize(shared))) for _ in range(2)]
    for _ in range(2):
        for walker in walkers:
            walker.switch()
    assert len(tokens) == 2
    assert tokens[0] == tokens[1]


# -- deterministic tokens ----------------------------------------------------------------------------------------


def test_fresh_tokens_are_refused_where_they_must_be_deterministic():
    lock = threading.Lock()
    with pytest.raises(TokenizationError, match="cannot be deterministically hashed.*__dask_tokenize__"):
        tokenize(lock, ensure_deterministic=True)
    with config.set({"tokenize.ensure-deterministic": True}):
        with pytest.raises(TokenizationError):
            tokenize([lock])
        assert tokenize(lock, ensure_deterministic=False) != tokenize(lock, ensure_deterministic=False)


def test_the_request_holds_for_tokens_within():
    class Outer:
        def __dask_tokenize__(self):
            return tokenize(object())

    with pytest.raises(TokenizationError):
        tokenize(Outer(), ensure_deterministic=True)


def test_bare_objects_are_like_themselves_alone():
    one = object()
    assert tokenize(one) == tokenize(one)
    assert len({tokenize(object()) for _ in range(100)}) == 100


# -- other types of the standard library -------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Whole(enum.IntFlag):
    A = 1
    B = 2


Point = collections.namedtuple("Point", "x y")

PAIRS = [
    (b"a" * 2000, b"a" * 1999 + b"b"),
    (bytearray(b"a"), bytearray(b"b")),
    (slice(1, 2), slice(1, 3)),
    (slice([1]), slice([2])),
    (range(3), range(4)),
    (Colour.RED, Colour.BLUE),
    (Whole.A, Whole.B),
    (Point(1, 2), Point(1, 3)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (fractions.Fraction(1, 2), fractions.Fraction(1, 3)),
    (datetime.date(2021, 1, 2), datetime.date(2021, 1, 3)),
    (datetime.datetime(2021, 1, 2, tzinfo=datetime.UTC), datetime.datetime(2021, 1, 2)),
    (datetime.datetime(2021, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")), datetime.datetime(2021, 1, 2)),
    (datetime.timedelta(1), datetime.timedelta(2)),
    (pathlib.PurePath("a"), pathlib.PurePath("b")),
    (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    (collections.defaultdict(list, a=1), collections.defaultdict(set, a=1)),
    (collections.Counter("aab"), collections.Counter("abb")),
    (collections.deque([1]), collections.deque([2])),
    (types.MappingProxyType({1: 2}), types.MappingProxyType({1: 3})),
    (re.compile("a"), re.compile("a", re.IGNORECASE)),
    (array.array("d", [1]), array.array("f", [1])),
    (random.Random(1), random.Random(2)),
    (uuid.UUID(int=1), uuid.UUID(int=2)),
    (functools.partial(pow, 2), functools.partial(pow, 3)),
    (operator.itemgetter(1), operator.itemgetter(2)),
    (int | str, int | bytes),
    (list[int], list[str]),
    (json, re),
    ("a".join, "b".join),
    (str.join, str.split),
    (pickle.PickleBuffer(b"a"), pickle.PickleBuffer(b"b")),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda x: type(x).__name__)
def test_equal_after_a_copy_and_different_from_others(one, other):
    assert tokenize(one, ensure_deterministic=True) != tokenize(other, ensure_deterministic=True)
    if not isinstance(one, pickle.PickleBuffer | types.MappingProxyType):
        assert tokenize(cloudpickle.loads(cloudpickle.dumps(one))) == tokenize(one)


def test_dicts_of_subclasses_do_not_depend_on_the_order_either():
    one, other = collections.defaultdict(list, a=1, b=2), collections.defaultdict(list, b=2, a=1)
    assert tokenize(one) == tokenize(other)
