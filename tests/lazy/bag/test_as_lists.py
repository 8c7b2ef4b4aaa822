"""Bags do what lists do, however they are split."""

from collections import Counter
from functools import reduce
from itertools import accumulate
from operator import add
from statistics import mean, pvariance

from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy
from plait.lazy import bag as db


def small(x):
    return x % 3 != 0


def repeated(x):
    return [x] * (x % 4)


STEPS = {
    "map": (lambda bag: bag.map(add, 1), lambda xs: [x + 1 for x in xs]),
    "filter": (lambda bag: bag.filter(small), lambda xs: [x for x in xs if small(x)]),
    "remove": (lambda bag: bag.remove(small), lambda xs: [x for x in xs if not small(x)]),
    "flatten": (lambda bag: bag.map(repeated).flatten(), lambda xs: [y for x in xs for y in repeated(x)]),
    "starmap": (lambda bag: bag.map(lambda x: (x, x)).starmap(add), lambda xs: [x + x for x in xs]),
    "pluck": (lambda bag: bag.map(lambda x: {"a": x}).pluck("a"), list),
    "zip": (lambda bag: db.zip(bag, bag).pluck(1), list),
    "map_partitions": (lambda bag: bag.map_partitions(lambda part: part), list),
    "concat": (lambda bag: db.concat([bag, bag]), lambda xs: xs + xs),
    "repartition": (lambda bag: bag.repartition(3), list),
    "accumulate": (lambda bag: bag.accumulate(add), lambda xs: list(accumulate(xs))),
}


def groups(xs):
    found = {}
    for x in xs:
        found.setdefault(x % 5, []).append(x)
    return found


ENDS = {
    "all": (lambda bag: bag, list),
    "sum": (lambda bag: bag.sum(), sum),
    "count": (lambda bag: bag.count(split_every=2), len),
    "fold": (lambda bag: bag.fold(add, initial=0), lambda xs: reduce(add, xs, 0)),
    "frequencies": (lambda bag: dict_of(bag.frequencies()), lambda xs: dict(Counter(xs))),
    "distinct": (lambda bag: bag.distinct(), lambda xs: list(dict.fromkeys(xs))),
    "topk": (lambda bag: bag.topk(3), lambda xs: sorted(xs, reverse=True)[:3]),
    "foldby": (
        lambda bag: dict_of(bag.foldby(lambda x: x % 5, add)),
        lambda xs: {key: sum(values) for key, values in groups(xs).items()},
    ),
    "disk": (lambda bag: dict_of(bag.groupby(lambda x: x % 5, shuffle="disk", blocksize=3)), groups),
    "tasks": (lambda bag: dict_of(bag.groupby(lambda x: x % 5, shuffle="tasks", max_branch=2)), groups),
    "take": (lambda bag: bag.take(4, npartitions=-1, compute=False, warn=False), lambda xs: xs[:4]),
}


def dict_of(bag):
    return db.Item.from_delayed(plait.lazy.delayed(dict)(bag))


numbers = st.lists(st.integers(-50, 50), max_size=30)
steps = st.lists(st.sampled_from(sorted(STEPS)), max_size=5)


@settings(max_examples=150, deadline=None)
@given(numbers, st.integers(1, 7), steps, st.lists(st.sampled_from(sorted(ENDS)), min_size=1, max_size=3))
def test_any_chain_is_what_it_is_of_a_list(values, npartitions, names, ends):
    bag = db.from_sequence(values, npartitions=npartitions)
    for name in names:
        ours, of_lists = STEPS[name]
        bag, values = ours(bag), of_lists(values)
        if len(values) > 5000:
            break
    found = plait.lazy.compute(*[ENDS[end][0](bag) for end in ends], scheduler="sync")
    assert found == tuple(ENDS[end][1](values) for end in ends)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(1, 7))
def test_statistics_are_those_of_the_standard_library(values, npartitions):
    bag = db.from_sequence(values, npartitions=npartitions)
    average, variance = plait.lazy.compute(bag.mean(), bag.var(), scheduler="sync")
    assert abs(average - mean(values)) <= 1e-9 * max(1, max(map(abs, values)))
    assert abs(variance - pvariance(values)) <= 1e-9 * max(1, max(map(abs, values)) ** 2)
