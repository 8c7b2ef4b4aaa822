"""Reductions: what partitions give, put together in a tree; folds, counts, what is largest or distinct.

Partitions without elements take no part, unless there are no others.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from copy import deepcopy
from functools import partial, reduce
from heapq import nlargest
from itertools import chain
from typing import Any

from plait.lazy.bag.layers import Layer, Step, piece
from plait.lazy.bag.streams import MISSING, blocks, getter
from plait.lazy.likeness import is_empty
from plait.parallel.naming import function_name

# What a partition without elements gives.
EMPTY: Any = type("_Empty", (), {"__slots__": (), "__reduce__": lambda self: "EMPTY"})()
SPLIT_EVERY = 8
_LAZY = frozenset({sum, max, min, any, all, set, frozenset})  # built in, and content with an iterator


def split(every: Any, count: int) -> int:
    """How many values are put together at a time. Raises ValueError."""
    if every is None:
        return SPLIT_EVERY
    if every is False:
        return max(2, count)
    if not isinstance(every, int) or every < 2:
        raise ValueError(f"split_every={every!r} puts nothing together; pass an integer of at least 2, or False")
    return every


def tree(
    layer: Layer,
    perpartition: Callable[..., Any],
    aggregate: Callable[..., Any],
    every: int,
    single: bool,
    names: tuple[str, str],
    identity: Sequence[Any],
    lazily: bool = True,
) -> Layer:
    """One value, or one partition, made of the partitions of a layer. names: of the two steps.

    perpartition gets a partition, aggregate a list of what perpartition or aggregate gave. lazily: perpartition is
    content with an iterator.
    """
    alone = layer.count == 1
    first = Step(partial(applied, perpartition, alone), f"{names[0]}-part", lazily=lazily)
    between = Step(partial(_aggregated, aggregate, False), f"{names[1]}-aggregate")
    last = Step(partial(_aggregated, aggregate, True), f"{names[1]}-aggregate")
    label = f"{names[1]}-aggregate"

    def make(keys: list[Any]) -> list[Any]:
        token = token_of(keys[0])
        level = [piece(first, (node,), (f"{names[0]}-part-{token}", i)) for i, node in enumerate(layer.nodes)]
        depth = 0
        while len(level) > every:
            groups = [level[i : i + every] for i in range(0, len(level), every)]
            level = [piece(between, (group,), (f"{label}-{depth}-{token}", i)) for i, group in enumerate(groups)]
            depth += 1
        return [piece(last, (level,), keys[0])]

    return Layer(label, (layer, *identity, every), [layer], 1, make, single)


def token_of(key: Any) -> str:
    """The token in a key of a layer's."""
    name = key[0] if isinstance(key, tuple) else key
    return str(name).rpartition("-")[2]


def takes_iterators(function: Callable[..., Any]) -> bool:
    """Whether a user's reduction may be given an iterator: known ones alone, others may ask for a length."""
    try:
        return function in _LAZY
    except TypeError:
        return False


def names_of(perpartition: Callable[..., Any], aggregate: Callable[..., Any], name: str | None) -> tuple[str, str]:
    return name or function_name(perpartition), name or function_name(aggregate)


def applied(perpartition: Callable[..., Any], alone: bool, part: Any) -> Any:
    """perpartition(part), or EMPTY for a partition without elements that is not the only one."""
    if isinstance(part, Iterator):
        first = next(part, EMPTY)
        if first is EMPTY:
            return perpartition(()) if alone else EMPTY
        stream = chain((first,), part)
        del first  # nothing but the stream holds on to it
        return perpartition(stream)
    return EMPTY if not alone and is_empty(part) else perpartition(part)


def _aggregated(aggregate: Callable[..., Any], last: bool, values: Iterable[Any]) -> Any:
    kept = [value for value in values if value is not EMPTY]
    return aggregate(kept) if kept or last else EMPTY


# -- folds ---------------------------------------------------------------------------------------------------------


def folded(binop: Callable[[Any, Any], Any], initial: Any, part: Iterable[Any]) -> Any:
    """The elements put together from left to right. A binop may change `initial`: each call has a copy."""
    return reduce(binop, part) if initial is MISSING else reduce(binop, part, own(initial))


def combined(combine: Callable[[Any, Any], Any], initial: Any, totals: list[Any]) -> Any:
    """The totals put together; `initial` where there are none. Raises ValueError where that is not given."""
    if totals:
        return reduce(combine, totals)
    if initial is MISSING:
        raise ValueError("fold of a bag without elements has no value; pass initial=")
    return own(initial)


def own(initial: Any) -> Any:
    """A copy of an initial value, for a binop that changes it."""
    if isinstance(initial, int | float | str | bytes | type(None)):
        return initial
    try:
        return deepcopy(initial)
    except Exception:
        return initial


def folded_by(key: Any, binop: Callable[[Any, Any], Any], initial: Any, part: Iterable[Any]) -> dict[Any, Any]:
    """{key: its elements put together}. initial: to begin with, or a function that makes it."""
    find = getter(key)
    totals: dict[Any, Any] = {}
    for element in part:
        k = find(element)
        try:
            total = totals[k]
        except KeyError:
            if initial is MISSING:
                totals[k] = element
                continue
            total = initial() if callable(initial) else own(initial)
        totals[k] = binop(total, element)
    return totals


def merged_by(combine: Callable[[Any, Any], Any], initial: Any, parts: Iterable[dict[Any, Any]]) -> dict[Any, Any]:
    """{key: its totals put together}."""
    if initial is MISSING:
        return _merged(combine, parts)
    return folded_by(0, partial(_combine_second, combine), initial, chain.from_iterable(p.items() for p in parts))


def _combine_second(combine: Callable[[Any, Any], Any], total: Any, item: tuple[Any, Any]) -> Any:
    return combine(total, item[1])


def _merged(combine: Callable[[Any, Any], Any], parts: Iterable[dict[Any, Any]]) -> dict[Any, Any]:
    totals: dict[Any, Any] = {}
    for part in parts:
        for key, value in part.items():
            totals[key] = combine(totals[key], value) if key in totals else value
    return totals


def items(mapping: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(mapping.items())


# -- counting ------------------------------------------------------------------------------------------------------


def counted(part: Any) -> int:
    """How many elements a partition has."""
    if isinstance(part, Sized):
        return len(part)
    return sum(map(len, blocks(part)))


def frequencies(part: Iterable[Any]) -> dict[Any, int]:
    """{element: how many times it is there}."""
    return dict(Counter(part))


def merged_frequencies(parts: Sequence[dict[Any, int]]) -> dict[Any, int]:
    return _merged(operator.add, parts)


def by_count(pairs: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    return sorted(pairs, key=operator.itemgetter(1), reverse=True)


def largest(k: int, key: Callable[[Any], Any] | None, part: Iterable[Any]) -> list[Any]:
    return nlargest(k, part, key=key)


def largest_of(k: int, key: Callable[[Any], Any] | None, parts: Iterable[Iterable[Any]]) -> list[Any]:
    return nlargest(k, chain.from_iterable(parts), key=key)


class Spread:
    """Calls a function with the members of its argument."""

    __slots__ = ("func",)

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, element: Iterable[Any]) -> Any:
        return self.func(*element)


def takes_several(function: Callable[..., Any]) -> bool:
    """Whether a function needs more than one positional argument; not where it does not say, as item getters do not."""
    from inspect import Parameter, signature

    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is Parameter.empty for each in parameters) > 1


def distinct(key: Any, part: Iterable[Any]) -> list[Any]:
    """The elements, each once, in the order in which they first come; of those with one key the first."""
    if key is None:
        return list(dict.fromkeys(part))
    find = getter(key)
    first: dict[Any, Any] = {}
    for element in part:
        first.setdefault(find(element), element)
    return list(first.values())


def distinct_of(key: Any, parts: Iterable[Iterable[Any]]) -> list[Any]:
    return distinct(key, chain.from_iterable(parts))
