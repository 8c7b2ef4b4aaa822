"""Where bags come from: sequences, ranges, delayed values, URLs, other bags."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from plait.lazy.bag import streams
from plait.lazy.bag.bags import Bag, _alike, _arguments
from plait.lazy.bag.layers import Layer, Step, blockwise, piece, source
from plait.lazy.decorator import delayed
from plait.lazy.handles import Delayed
from plait.parallel.transport import pickling

_FEW = 100  # elements that get a partition each


def from_sequence(seq: Iterable[Any], partition_size: int | None = None, npartitions: int | None = None) -> Bag:
    """A bag of the elements of a sequence, which is kept in memory.

    partition_size: elements of a partition. npartitions: about how many partitions; of more than 100 elements at least
    as many. With neither, some 100 for long sequences, and one for each of up to 100 elements.
    """
    elements = list(seq)
    size = _size(len(elements), partition_size, npartitions)
    parts = [elements[i : i + size] for i in range(0, len(elements), size)] or [[]]
    return Bag._of(source("from_sequence", (_Contents(elements), size), streams.same, [(part,) for part in parts]))


def _size(count: int, size: int | None, npartitions: int | None) -> int:
    if size:
        return size
    if npartitions:
        return max(1, math.ceil(count / npartitions) if count <= _FEW else count // npartitions)
    return 1 if count <= _FEW else max(1, math.ceil(math.sqrt(count / _FEW)))


class _Contents:
    """Elements, told apart by their pickle, which is made much faster than tokens of each."""

    __slots__ = ("elements",)

    def __init__(self, elements: list[Any]) -> None:
        self.elements = elements

    def __dask_tokenize__(self) -> Any:
        try:
            return blake2b(pickling.dumps(self.elements), digest_size=16).digest()
        except Exception:
            return uuid.uuid4().bytes


def bag_range(n: int, npartitions: int) -> Bag:
    """The numbers from 0 to n - 1, in so many partitions; the last has what is left over."""
    size = n // npartitions
    bounds = [i * size for i in range(npartitions)]
    rows = list(zip(bounds, [*bounds[1:], n], strict=True))
    return Bag._of(source("range", (n, npartitions), range, rows))


def from_url(urls: str | Sequence[str]) -> Bag:
    """The lines, as bytes, of what some URLs give: a partition each."""
    urls = [urls] if isinstance(urls, str) else list(urls)
    return Bag._of(source("from_url", (uuid.uuid4().hex,), _lines_of, [(url,) for url in urls]))


def _lines_of(url: str) -> list[bytes]:
    from urllib.request import urlopen

    with urlopen(url) as response:
        return list(response)


def from_delayed(values: Any) -> Bag:
    """A bag whose partitions are delayed objects, or one of them, which give lists or iterables."""
    given = [values] if isinstance(values, Delayed) else list(values)
    nodes = [v if isinstance(v, Delayed) or not hasattr(v, "key") else delayed(v) for v in given]
    step = Step(streams.same, "from-delayed", elements=True)

    def make(keys: list[Any]) -> list[Any]:
        return [piece(step, (node,), key) for node, key in zip(nodes, keys, strict=True)]

    return Bag._of(Layer("bag-from-delayed", tuple(nodes), (), len(nodes), make))


def concat(bags: Iterable[Bag]) -> Bag:
    """The elements of some bags, one after another."""
    several = list(bags)
    step = Step(streams.same, "concat")

    def make(keys: list[Any]) -> list[Any]:
        nodes = [node for bag in several for node in bag._layer.nodes]
        return [piece(step, (node,), key) for node, key in zip(nodes, keys, strict=True)]

    count = sum(bag.npartitions for bag in several)
    return Bag._of(Layer("concat", tuple(several), [bag._layer for bag in several], count, make))


def bag_zip(*bags: Bag) -> Bag:
    """Tuples of the elements of some bags, as zip() of their partitions makes them: a longer one is cut."""
    count, _ = _alike(bags)
    return Bag._of(blockwise("zip", ("zip", *bags), Step(zip, "zip"), count, _arguments(bags)))
