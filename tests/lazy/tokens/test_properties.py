"""Tokens of random values: equal after any copy, different for different values."""

import copy
import pickle

from hypothesis import given, settings
from hypothesis import strategies as st

from plait.lazy import normalize_token, tokenize


class Holder:
    def __init__(self, held):
        self.held = held


KEYS = st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.none(), st.tuples(st.integers(0, 3)))
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.complex_numbers(allow_nan=False),
    st.dates(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.frozensets(KEYS, max_size=4),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.builds(Holder, inner),
    ),
    max_leaves=20,
)


def described(value):
    """A value as nested tuples that are equal exactly where values and types are."""
    kind = type(value)
    if kind in (list, tuple):
        return kind, tuple(map(described, value))
    if kind is dict:
        return kind, frozenset((described(key), described(item)) for key, item in value.items())
    if kind in (set, frozenset):
        return kind, frozenset(map(described, value))
    if kind is Holder:
        return kind, described(value.held)
    return kind, repr(value)


@settings(deadline=None)
@given(VALUES)
def test_copies_are_equal(value):
    assert tokenize(copy.deepcopy(value)) == tokenize(value)
    assert tokenize(pickle.loads(pickle.dumps(value))) == tokenize(value)


@settings(deadline=None)
@given(st.dictionaries(KEYS, LEAVES, max_size=6))
def test_the_order_of_a_dict_does_not_count(value):
    assert tokenize(dict(reversed(value.items()))) == tokenize(value)


@settings(deadline=None)
@given(VALUES, VALUES)
def test_tokens_are_equal_exactly_for_equal_values(one, other):
    assert (tokenize(one) == tokenize(other)) == (described(one) == described(other))


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_members_that_are_one_object_count_as_equal_ones(values):
    assert tokenize([*values, *values]) == tokenize([*values, *copy.deepcopy(values)])


@st.composite
def graphs(draw):
    """Objects that refer to each other in any way, directly or through lists."""
    count = draw(st.integers(1, 5))
    things = [Holder(draw(st.integers(0, 2))) for _ in range(count)]
    for thing in things:
        readers = draw(st.lists(st.sampled_from(things), max_size=3))
        thing.direct, thing.listed = (readers[0] if readers else None), readers[1:]
    return things


@settings(deadline=None, max_examples=300)
@given(graphs(), st.randoms(use_true_random=False))
def test_an_object_has_one_form_wherever_it_is_met(things, random):
    alone = [normalize_token(thing) for thing in things]
    order = [random.randrange(len(things)) for _ in range(6)]
    met = normalize_token([things[i] for i in order])
    assert met == ("list", tuple(alone[i] for i in order))


@settings(deadline=None)
@given(graphs())
def test_copies_of_graphs_are_equal(things):
    assert tokenize(*pickle.loads(pickle.dumps(things))) == tokenize(*things)
