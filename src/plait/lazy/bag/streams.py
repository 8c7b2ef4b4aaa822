"""Streams: what steps do with one partition. Elements come in by an iterable, and mostly leave by an iterator.

Everything here can be pickled by name, and runs in C where the standard library has the loop: map, filter,
itertools. An element is let go of before the next one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import partial
from itertools import accumulate, chain, islice, pairwise, product, repeat, starmap
from operator import itemgetter
from random import Random
from typing import Any

_BLOCK = 1 << 14  # elements

MISSING: Any = type("_Missing", (), {"__slots__": (), "__reduce__": lambda self: "MISSING"})()  # no value given


OPEN: Any = type("_Open", (), {"__slots__": (), "__reduce__": lambda self: "OPEN"})()  # an argument to be given


class Bound:
    """A call of which all arguments but the open ones are there already: the same for all partitions."""

    __slots__ = ("call", "fixed")

    def __init__(self, call: Callable[..., Any], fixed: Sequence[Any]) -> None:
        self.call = call
        self.fixed = tuple(fixed)

    def __reduce__(self) -> tuple[Any, ...]:
        return Bound, (self.call, self.fixed)

    def __call__(self, *values: Any) -> Any:
        given = iter(values)
        return self.call(*[next(given) if each is OPEN else each for each in self.fixed])


def concrete(value: Any, elements: bool = False) -> Any:
    """A list of what an iterator gives; other values as they are. elements: if these are iterators, of each a list."""
    if isinstance(value, Iterator):
        value = list(value)
    if elements and type(value) is list and value and isinstance(value[0], Iterator):
        return [list(each) for each in value]
    return value


def same(part: Any) -> Any:
    """The partition itself."""
    return part


def getter(key: Any) -> Callable[[Any], Any]:
    """What finds the key of an element: a function as it is, else the element's item, or items of a list of names."""
    if callable(key):
        function: Callable[[Any], Any] = key
        return function
    if not isinstance(key, list):
        return itemgetter(key)
    return itemgetter(*key) if len(key) > 1 else partial(_items, key)


def _items(names: Sequence[Any], element: Any) -> tuple[Any, ...]:
    return tuple([element[name] for name in names])


def plucked(key: Any, default: Any, part: Iterable[Any]) -> Iterator[Any]:
    """The item of each element, or items, with a default for what is not there."""
    if default is MISSING:
        return map(itemgetter(key) if not isinstance(key, list) else getter(key), part)
    if isinstance(key, list):
        return map(partial(_items_or, key, default), part)
    return map(partial(_item_or, key, default), part)


def _item_or(name: Any, default: Any, element: Any) -> Any:
    try:
        return element[name]
    except (KeyError, IndexError):
        return default


def _items_or(names: Sequence[Any], default: Any, element: Any) -> tuple[Any, ...]:
    return tuple([_item_or(name, default, element) for name in names])


class Mapped:
    """func(*args, **kwargs) for each element: arguments that are partitions go along, others stand for each call.

    from_bags: for each argument, whether it is a partition. names: of the last arguments, which are keywords.
    """

    __slots__ = ("from_bags", "func", "names")

    def __init__(self, func: Callable[..., Any], from_bags: Sequence[bool], names: Sequence[str]) -> None:
        self.func = func
        self.from_bags = tuple(from_bags)
        self.names = tuple(names)

    def __reduce__(self) -> tuple[Any, ...]:
        return Mapped, (self.func, self.from_bags, self.names)

    def __call__(self, *values: Any) -> Iterator[Any]:
        if self.from_bags == (True,) and not self.names:
            return map(self.func, values[0])
        if sum(self.from_bags) > 1:
            values = tuple([concrete(v) if moves else v for v, moves in zip(values, self.from_bags, strict=True)])
            self._check([v for v, moves in zip(values, self.from_bags, strict=True) if moves])
        count = len(values) - len(self.names)
        constant = {}
        moving: list[str] = []
        rows: list[Iterable[Any]] = []
        for i, (value, moves) in enumerate(zip(values, self.from_bags, strict=True)):
            if i < count:
                rows.append(value if moves else repeat(value))
            elif moves:
                moving.append(self.names[i - count])
                rows.append(value)
            else:
                constant[self.names[i - count]] = value
        func = partial(self.func, **constant) if constant else self.func
        return map(_Keyworded(func, moving) if moving else func, *rows)

    def _check(self, parts: Sequence[Sized]) -> None:
        lengths = [len(part) for part in parts]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"map called with bags whose partitions have {', '.join(map(str, lengths))} elements; they must have "
                "as many each, so split the bags in the same way"
            )


class _Keyworded:
    """Calls a function with its last arguments as keywords."""

    __slots__ = ("func", "names")

    def __init__(self, func: Callable[..., Any], names: Sequence[str]) -> None:
        self.func = func
        self.names = names

    def __call__(self, *row: Any) -> Any:
        count = len(row) - len(self.names)
        return self.func(*row[:count], **dict(zip(self.names, row[count:], strict=True)))


def starred(func: Callable[..., Any], names: Sequence[str], part: Iterable[Any], *values: Any) -> Iterator[Any]:
    """func(*element, **keywords) for each element."""
    return starmap(partial(func, **dict(zip(names, values, strict=True))) if names else func, part)


def called(func: Callable[..., Any], names: Sequence[str], *values: Any) -> Any:
    """func of whole partitions, with the last values as keywords."""
    count = len(values) - len(names)
    return func(*values[:count], **dict(zip(names, values[count:], strict=True)))


def joined(parts: Iterable[Any]) -> Iterator[Any]:
    """The elements of several partitions, one after another."""
    return chain.from_iterable(parts)


def blocks(part: Iterable[Any]) -> Iterator[list[Any]]:
    """The elements in lists, for what is done with many at once."""
    if isinstance(part, list):
        yield part
        return
    stream = iter(part)
    while block := list(islice(stream, _BLOCK)):
        yield block


def first_of(k: int, part: Iterable[Any]) -> list[Any]:
    """The first k elements, at most."""
    return list(islice(part, k))


def first_warned(k: int, part: Iterable[Any]) -> list[Any]:
    """The first k elements; a warning where there are fewer."""
    taken = list(islice(part, k))
    warn_of_few(k, len(taken))
    return taken


def warn_of_few(asked: int, found: int) -> None:
    """Say that take() found too few elements."""
    if found < asked:
        import warnings

        warnings.warn(
            f"take was asked for {asked} elements, and found {found} in the partitions that it looked into; pass a "
            "larger npartitions, or npartitions=-1 for all",
            stacklevel=3,
        )


def sampled(prob: float, part: Iterable[Any], seed: int) -> Iterator[Any]:
    """Each element with a probability."""
    draw = Random(seed).random
    return (element for element in part if draw() < prob)


def accumulated(binop: Callable[[Any, Any], Any], part: Iterable[Any], carry: tuple[Any, ...], start: bool) -> Any:
    """(totals so far for each element, the last total): carry: (total,) of what came before, or () for none.

    start: the total before belongs to the totals.
    """
    totals = list(accumulate(part, binop, initial=carry[0]) if carry else accumulate(part, binop))
    last = tuple(totals[-1:])
    return (totals[1:] if carry and not start else totals), last


def split_evenly(count: int, part: Any) -> list[list[Any]]:
    """A partition cut into `count` of about the same length."""
    whole = part if isinstance(part, list) else list(part)
    bounds = [len(whole) * i // count for i in range(count + 1)]
    return [whole[a:b] for a, b in pairwise(bounds)]


def table_of(key: Callable[[Any], Any], elements: Iterable[Any]) -> dict[Any, list[Any]]:
    """The elements by key, in order."""
    table: dict[Any, list[Any]] = {}
    for element in elements:
        k = key(element)
        try:
            table[k].append(element)
        except KeyError:
            table[k] = [element]
    return table


def matched(key: Callable[[Any], Any], part: Iterable[Any], table: Mapping[Any, list[Any]]) -> Iterator[Any]:
    """(other, element) for each element and each of the table's with its key."""
    return ((other, element) for element in part for other in table.get(key(element), ()))


def pairs(left: Iterable[Any], right: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """All (element of one, element of the other)."""
    return product(left, right)
