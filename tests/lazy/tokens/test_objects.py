"""Tokens of objects that nobody registered: by the parts that pickle would make them from."""

import collections
import os
import subprocess
import sys
import threading

import numpy
import pytest

from plait.lazy.tokens import TokenizationError, tokenize


class Thing:
    def __init__(self, **parts):
        vars(self).update(parts)


def test_equal_parts_are_equal_whether_one_object_or_two():
    part = Thing(x=1)
    assert tokenize(Thing(a=part, b=part)) == tokenize(Thing(a=Thing(x=1), b=Thing(x=1)))
    assert tokenize(Thing(a=part, b=part)) != tokenize(Thing(a=part, b=Thing(x=2)))


def test_where_the_walk_began_does_not_count():
    part = Thing(x=[1], y=Thing(z=2))
    assert tokenize([part, part]) == tokenize([Thing(x=[1], y=Thing(z=2)), part])


def ring(*names):
    things = [Thing(name=name) for name in names]
    for each, following in zip(things, things[1:] + things[:1], strict=True):
        each.following = following
    return things


def test_cycles():
    assert tokenize(ring("a", "b", "c")[0]) == tokenize(ring("a", "b", "c")[0])
    assert tokenize(ring("a", "b", "c")[0]) != tokenize(ring("a", "b", "d")[0])
    assert tokenize(ring("a", "b", "c")[1]) == tokenize(ring("b", "c", "a")[0])
    inside, outside = ring("a", "b"), ring("a", "b")
    assert tokenize([inside, inside[1]]) == tokenize([outside, ring("b", "a")[0]])


def test_a_dense_graph_takes_linear_time():
    """Forty objects that all refer to all others: as many paths as there are orders of them."""
    things = [Thing(number=i) for i in range(40)]
    for each in things:
        each.others = things
    assert tokenize(things[0]) == tokenize(things[0]) != tokenize(things[1])


def test_shared_parts_are_looked_at_once():
    taken = []

    class Counted:
        def __reduce__(self):
            taken.append(1)
            return Counted, ()

    part = Counted()
    for _ in range(30):
        part = Thing(left=part, right=part)
    tokenize(part)
    assert len(taken) == 1


def test_slots_with_and_without_values():
    class Slotted:
        __slots__ = ("x", "y")

    tokens = set()
    for names in ((), ("x",), ("y",), ("x", "y")):
        thing = Slotted()
        for name in names:
            setattr(thing, name, 1)
        tokens.add(tokenize(thing))
    assert len(tokens) == 4


def test_items_of_a_mapping_count_by_order_only_where_that_is_part_of_it():
    class Mapping(dict):
        pass

    one, other = Mapping(a=1, b=2), Mapping(b=2, a=1)
    assert tokenize(one) == tokenize(other) != tokenize(dict(one))
    one.attribute = 1
    assert tokenize(one) != tokenize(other)
    assert tokenize(collections.OrderedDict(one)) != tokenize(collections.OrderedDict(other))


def test_nothing_is_remembered_of_an_object_that_failed():
    class Fickle:
        failures = 0

        def __dask_tokenize__(self):
            Fickle.failures += 1
            if Fickle.failures == 1:
                raise ValueError("not yet")
            return "well"

    class Patient:
        def __init__(self, part):
            self.part = part

        def __dask_tokenize__(self):
            try:
                return tokenize(self.part)
            except ValueError:
                return tokenize(self.part)

    part = Fickle()
    assert tokenize(Patient(part), part) == tokenize(Patient(part), part)


def test_buffers_that_a_class_gives_to_pickle():
    class Holder:
        def __init__(self, *numbers):
            self.numbers = numpy.array(numbers)

    assert tokenize(Holder(1, 2)) == tokenize(Holder(1, 2)) != tokenize(Holder(1, 3))


def test_a_failing_part_is_named():
    with pytest.raises(TokenizationError, match="lock.*cannot be pickled"):
        tokenize(Thing(lock=threading.Lock()), ensure_deterministic=True)


def test_a_global_that_is_not_what_it_says_is_refused():
    class Liar:
        def __reduce__(self):
            return "Thing"

    with pytest.raises(TokenizationError, match="is another object"):
        tokenize(Liar(), ensure_deterministic=True)


def test_tokens_are_the_same_in_another_process():
    script = """
from plait.lazy import tokenize
class Local:
    def __init__(self, x): self.x = x; self.names = {"a", "b", "c", "d"}
    def double(self): return self.x * 2
print(tokenize(Local(1), Local(1).double, lambda x: {"p", "q", "r"}, frozenset("xyz")))
"""
    tokens = set()
    for seed in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", script]
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        tokens.add(run.stdout)
    assert len(tokens) == 1
