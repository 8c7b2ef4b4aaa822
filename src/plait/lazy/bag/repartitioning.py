"""Bag.repartition: the same elements, in order, in other partitions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from operator import getitem
from typing import TYPE_CHECKING, Any

from plait.lazy.bag import streams
from plait.lazy.bag.layers import Layer, Step, piece
from plait.lazy.bag.reductions import token_of

if TYPE_CHECKING:
    from plait.lazy.bag.bags import Bag


def repartition(bag: Bag, npartitions: int | None, partition_size: int | str | None) -> Bag:
    """See Bag.repartition."""
    if (npartitions is None) == (partition_size is None):
        raise ValueError(
            f"npartitions={npartitions!r}, partition_size={partition_size!r}: pass one of them, and only one"
        )
    if npartitions is None:
        return _by_size(bag, partition_size)
    if npartitions == bag.npartitions:
        return bag
    if npartitions < bag.npartitions:
        ratio = bag.npartitions / npartitions
        return bag._of(merged(bag, [int(i * ratio) for i in range(npartitions)] + [bag.npartitions], npartitions))
    each, left = divmod(npartitions, bag.npartitions)
    pieces = [each] * bag.npartitions
    pieces[-1] += left
    return bag._of(cut(bag, pieces, npartitions))


def _by_size(bag: Bag, partition_size: Any) -> Bag:
    from plait.lazy.units import parse_bytes

    limit_bytes = parse_bytes(partition_size) if isinstance(partition_size, str) else int(partition_size)
    sizes = bag.map_partitions(memory_of).compute()
    pieces = [1 + size // limit_bytes for size in sizes]
    if max(pieces, default=1) > 1:
        bag = bag._of(cut(bag, pieces, ("size", limit_bytes)))
        sizes = [size / count for size, count in zip(sizes, pieces, strict=True) for _ in range(count)]
    return bag._of(merged(bag, _bounds(sizes, limit_bytes), ("size", limit_bytes)))


def memory_of(part: Any) -> int:
    """The bytes of memory that a partition takes."""
    from plait.lazy.sizes import sizeof

    return sizeof(streams.concrete(part, elements=True))


def _bounds(sizes: Sequence[float], limit: float) -> list[int]:
    """Where to begin a new partition, so that none is larger than the limit if it can be helped."""
    bounds, total = [0], 0.0
    for i, size in enumerate(sizes):
        if total + size > limit and i > bounds[-1]:
            bounds.append(i)
            total = 0.0
        total += size
    return [*bounds, len(sizes)]


def merged(bag: Bag, bounds: Sequence[int], told: Any) -> Layer:
    """A layer of partitions from bounds[i] to bounds[i + 1] put together."""
    step = Step(streams.joined, "repartition")
    spans = list(pairwise(bounds))

    def make(keys: list[Any]) -> list[Any]:
        nodes = bag._layer.nodes
        rows = [(nodes[start:end], key) for (start, end), key in zip(spans, keys, strict=True)]
        return [piece(step, (some,), key) for some, key in rows]

    return Layer("repartition", (bag, told), [bag._layer], len(spans), make)


def cut(bag: Bag, pieces: Sequence[int], told: Any) -> Layer:
    """A layer of the i-th partition cut in pieces[i]."""

    def make(keys: list[Any]) -> list[Any]:
        token = token_of(keys[0])
        names = iter(keys)
        made: list[Any] = []
        for i, (node, count) in enumerate(zip(bag._layer.nodes, pieces, strict=True)):
            split = Step(partial(streams.split_evenly, count), "repartition-split")
            parts = piece(split, (node,), (f"repartition-pieces-{token}", i))
            made.extend(piece(getitem, (parts, j), next(names)) for j in range(count))
        return made

    return Layer("repartition-split", (bag, told), [bag._layer], sum(pieces), make)
