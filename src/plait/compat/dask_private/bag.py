"""dask.bag.core and dask.bag.random: helpers of dask's own, over what bags do here.

Partitions are passed on as iterators when a graph is lowered (`plait.lazy.bag.fusing`), so nothing is left to optimise
in the tasks of a plain graph: `lazify` and `lazify_task` return what they get.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Any

from plait.lazy.bag.hashes import partition_of
from plait.lazy.bag.reductions import applied, folded_by
from plait.lazy.bag.streams import MISSING, concrete, getter, table_of


def lazify(graph: Any) -> Any:
    return graph


def lazify_task(task: Any, start: bool = True) -> Any:
    return task


def reify(seq: Any) -> Any:
    """A list of an iterator, and of iterators among its elements."""
    return concrete(seq, elements=True)


def empty_safe_apply(func: Callable[[Any], Any], part: Any, is_last: bool) -> Any:
    """func(part), or no_result for a partition without elements that is not the last one."""
    return applied(func, is_last, part)


def reduceby(key: Any, binop: Callable[[Any, Any], Any], seq: Iterable[Any], init: Any = MISSING) -> dict[Any, Any]:
    """{key: its elements put together}."""
    return folded_by(key, binop, init, seq)


def partition(grouper: Any, sequence: Iterable[Any], npartitions: int, p: Any, nelements: int = 2**20) -> Any:
    """Append the elements to a store, such as partd's, under the numbers of their partitions."""
    stream = iter(sequence)
    while some := list(islice(stream, nelements)):
        going: dict[int, list[Any]] = {}
        for key, elements in table_of(getter(grouper), some).items():
            going.setdefault(partition_of(key, npartitions), []).extend(elements)
        p.append(going, fsync=True)
    return p


def collect(grouper: Any, group: Hashable, p: Any, barrier_token: Any) -> list[tuple[Any, list[Any]]]:
    """The elements of a store's partition by key."""
    return list(table_of(getter(grouper), p.get(group, lock=False)).items())


def weighted_sampling_without_replacement(population: Sequence[Any], weights: Sequence[float], k: int) -> list[Any]:
    """k elements, each drawn with a weight. Source: Efraimidis and Spirakis, Weighted random sampling (2006)."""
    keys = [(math.log(random.random()) / weight, place) for place, weight in enumerate(weights)]
    return [population[place] for _, place in heapq.nlargest(k, keys)]


def assert_eq(a: Any, b: Any, scheduler: Any = "sync") -> None:
    """Check that two values, or collections' values, are equal."""
    left, right = (each.compute(scheduler=scheduler) if hasattr(each, "compute") else each for each in (a, b))
    if left != right:
        raise AssertionError(f"{left!r} is not {right!r}")
