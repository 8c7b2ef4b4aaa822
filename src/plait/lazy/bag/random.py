"""Random elements of a bag, with and without replacement. Each selection is as likely as any other.

Partitions are sampled on their own; two samples become one by drawing, for each place, which population it comes from.
Seeds are drawn when a sample is defined: computed again, it is the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from plait.lazy.bag.bags import Bag
from plait.lazy.bag.layers import Layer, Step, piece
from plait.lazy.bag.streams import concrete

Sample = tuple[list[Any], int]  # elements, and of how many
Drawn = tuple[list[Any], int, int]  # and a number to go on from


def sample(population: Bag, k: int, split_every: int | None = None, random_state: Any = None) -> Bag:
    """A bag of k elements, each place of the population at most once.

    split_every: how many samples are put together at a time. random_state: a seed, or a random.Random to draw seeds
    from. Raises ValueError for a negative k; computing it does, where there are fewer elements.
    """
    return _drawn(population, k, split_every, random_state, without_replacement, merged_without, "sample")


def choices(population: Bag, k: int = 1, split_every: int | None = None, random_state: Any = None) -> Bag:
    """A bag of k elements, each drawn from the whole population. Parameters as of sample()."""
    return _drawn(population, k, split_every, random_state, with_replacement, merged_with, "choices")


def _drawn(
    population: Bag, k: int, every: Any, state: Any, take: Callable[..., Sample], merge: Callable[..., Any], name: str
) -> Bag:
    if k < 0:
        raise ValueError(f"k={k} is no number of elements; pass zero or more")
    source = state if isinstance(state, random.Random) else random.Random(state)
    seeds = [source.getrandbits(64) for _ in range(population.npartitions)]
    step = Step(partial(_draw, take, k), f"{name}-part", lazily=False)

    def make(keys: list[Any]) -> list[Any]:
        rows = zip(population._layer.nodes, seeds, keys, strict=True)
        return [piece(step, (node, seed), key) for node, seed, key in rows]

    samples = Bag._of(Layer(f"{name}-part", (population, k, seeds), [population._layer], population.npartitions, make))
    merged = samples._reduced(_as_it_is, partial(_put_together, merge, k), every, Bag, name)
    return merged._along(name, (k,), Step(partial(_checked, k if name == "sample" else min(k, 1)), name))  # type: ignore[no-any-return]


def _draw(take: Callable[..., Sample], k: int, part: Any, seed: int) -> Drawn:
    source = random.Random(seed)
    elements, count = take(part, k, source)
    return elements, count, source.getrandbits(64)


def _as_it_is(drawn: Drawn) -> Drawn:
    return drawn


def _put_together(merge: Callable[..., Any], k: int, samples: Sequence[Drawn]) -> Drawn:
    number = 0
    for each in samples:
        number = number * 31 + each[2]
    source = random.Random(number)
    elements = merge([each[:2] for each in samples], k, source)
    return elements, sum(each[1] for each in samples), source.getrandbits(64)


def _checked(needed: int, drawn: Drawn) -> list[Any]:
    if len(drawn[0]) < needed:
        raise ValueError(f"Sample larger than population: {needed} of {drawn[1]} elements")
    return drawn[0]


def without_replacement(population: Iterable[Any], k: int, source: Any = random) -> Sample:
    """(k elements, or all where there are fewer, in random order; of how many)."""
    elements = population if isinstance(population, list) else list(concrete(population))
    return source.sample(elements, min(k, len(elements))), len(elements)


def with_replacement(population: Iterable[Any], k: int, source: Any = random) -> Sample:
    """(k elements, each drawn from all; of how many). None of none."""
    elements = population if isinstance(population, list) else list(concrete(population))
    return (source.choices(elements, k=k) if elements else []), len(elements)


def merged_without(samples: Sequence[Sample], k: int, source: Any = random) -> list[Any]:
    """A sample of all populations together, of one of each; in random order, as those are."""
    left = [count for _, count in samples]
    streams = [iter(elements) for elements, _ in samples]
    drawn = []
    for _ in range(min(k, sum(left))):
        (which,) = source.choices(range(len(left)), weights=left)
        left[which] -= 1
        drawn.append(next(streams[which]))
    return drawn


def merged_with(samples: Sequence[Sample], k: int, source: Any = random) -> list[Any]:
    """As merged_without(), where the samples are with replacement: the j-th place is one of the j-th of each."""
    counts = [count for _, count in samples]
    if not sum(counts):
        return []
    chosen = source.choices(range(len(counts)), weights=counts, k=k)
    return [samples[which][0][place] for place, which in enumerate(chosen)]
