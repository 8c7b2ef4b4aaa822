"""Bags: collections of Python objects in partitions, in order, and what can be made of them.

A bag is a layer of nodes (see `layers`), one a partition. Its methods make layers; what they do with a partition is in
`streams` and `reductions`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import filterfalse
from operator import getitem
from random import Random
from typing import Any, TypeAlias

from plait.lazy.bag import moments, reductions, streams
from plait.lazy.bag.collection import Collection, layer_of
from plait.lazy.bag.items import Item
from plait.lazy.bag.layers import Layer, Partitioned, Step, as_delayed, blockwise, named, piece
from plait.lazy.bag.streams import MISSING
from plait.lazy.bag.strings import StringAccessor
from plait.lazy.handles import Delayed
from plait.parallel.naming import function_name

Text: TypeAlias = str  # in a class that has a property of that name


class Bag(Collection):
    """Python objects in partitions, to be computed: lists of text lines, of dictionaries, of anything.

    graph: a plain graph, with the partitions under the keys (name, 0) to (name, npartitions - 1). Users call
    `from_sequence`, `read_text` and their like.

        b = from_sequence(range(5))
        list(b.filter(lambda x: x % 2 == 0).map(lambda x: x * 10)) == [0, 20, 40]
    """

    def __init__(self, graph: Mapping[Any, Any], name: Any, npartitions: int) -> None:
        self._layer = layer_of(graph, name, npartitions)

    @property
    def npartitions(self) -> int:
        return self._layer.count

    @property
    def _args(self) -> tuple[Any, ...]:
        return self.__dask_graph__(), self.name, self.npartitions

    def __repr__(self) -> Text:
        return f"dask.bag<{_shown(self._layer)}, npartitions={self.npartitions}>"

    def __iter__(self) -> Iterator[Any]:
        return iter(self.compute())

    def __dask_postcompute__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return finalize, ()

    # -- elements --------------------------------------------------------------------------------------------------

    def map(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Bag:
        """func of each element, and of further arguments.

        Other bags among the arguments give their elements along with this one's, and must have partitions of the same
        lengths. Anything else is the same for each call; items and delayed values are computed first.
        """
        return bag_map(func, self, *args, **kwargs)

    def starmap(self, func: Callable[..., Any], **kwargs: Any) -> Bag:
        """func(*element, **kwargs) for each element."""
        step = Step(partial(streams.starred, func, tuple(kwargs)), function_name(func), elements=True)
        return self._along(function_name(func), ("starmap", func, kwargs), step, *kwargs.values())

    def filter(self, predicate: Callable[[Any], Any] | None) -> Bag:
        """The elements for which the predicate is true; those that are true themselves where it is None."""
        label = named("filter", predicate)
        return self._along(label, (predicate,), Step(partial(filter, predicate), label))

    def remove(self, predicate: Callable[[Any], Any]) -> Bag:
        """The elements for which the predicate is false."""
        label = named("remove", predicate)
        return self._along(label, (predicate,), Step(partial(filterfalse, predicate), label))

    def pluck(self, key: Any, default: Any = MISSING) -> Bag:
        """The item `key` of each element; of a list of keys a tuple. default: for elements without it."""
        return self._along(
            "pluck", (key, default), Step(partial(streams.plucked, key, default), "pluck", elements=True)
        )

    def unzip(self, n: int) -> tuple[Bag, ...]:
        """Of a bag of tuples n bags of their members."""
        return tuple(self.pluck(i) for i in range(n))

    def flatten(self) -> Bag:
        """The elements of the elements."""
        return self._along("flatten", (), Step(streams.joined, "flatten"))

    def random_sample(self, prob: float, random_state: int | Random | None = None) -> Bag:
        """Each element with a probability. random_state: a seed, or a generator to draw seeds from.

        Raises ValueError for a probability below 0 or above 1.
        """
        if not 0 <= prob <= 1:
            raise ValueError(f"prob={prob!r} is no probability; pass a number from 0 to 1")
        random = random_state if isinstance(random_state, Random) else Random(random_state)
        seeds = [random.getrandbits(64) for _ in range(self.npartitions)]
        step = Step(partial(streams.sampled, prob), "random-sample")

        def make_pieces(keys: list[Any]) -> list[Any]:
            rows = zip(self._layer.nodes, seeds, keys, strict=True)
            return [piece(step, (node, seed), key) for node, seed, key in rows]

        return self._of(Layer("random-sample", (self, prob, seeds), [self._layer], self.npartitions, make_pieces))

    def accumulate(self, binop: Callable[[Any, Any], Any], initial: Any = MISSING) -> Bag:
        """The totals so far, for each element. initial: a total to begin with, which is the first one then."""
        name = function_name(binop)
        add = Step(partial(streams.accumulated, binop), name)

        def make_pieces(keys: list[Any]) -> list[Any]:
            token = reductions.token_of(keys[0])
            carry: Any = () if initial is MISSING else (initial,)
            pieces = []
            for i, node in enumerate(self._layer.nodes):
                both = piece(add, (node, carry, i == 0), (f"{name}-part-{token}", i))
                carry = piece(getitem, (both, 1), (f"{name}-last-{token}", i))
                pieces.append(piece(getitem, (both, 0), keys[i]))
            return pieces

        return self._of(
            Layer(f"{name}-accumulate", (self, binop, initial), [self._layer], self.npartitions, make_pieces)
        )

    # -- partitions ------------------------------------------------------------------------------------------------

    def map_partitions(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Bag:
        """func of each partition, a list, and of further arguments; it returns an iterable.

        Other bags among the arguments give their partitions along with this one's; anything else is the same for each
        call. token: a name for the result.
        """
        return map_partitions(func, self, *args, **kwargs)

    def repartition(self, npartitions: int | None = None, partition_size: int | Text | None = None) -> Bag:
        """The same elements in another number of partitions, or in partitions of at most so many bytes.

        partition_size: bytes, or a text like "5MB". It computes the bag, to see how large the partitions are. Raises
        ValueError where not exactly one of both is given.
        """
        from plait.lazy.bag import repartitioning

        return repartitioning.repartition(self, npartitions, partition_size)

    def take(self, k: int, npartitions: int = 1, compute: bool = True, warn: bool = True) -> Any:
        """The first k elements as a tuple, computed, or with compute=False as a bag.

        npartitions: how many partitions to look into, -1 for all. warn: where these have fewer elements. Raises
        ValueError for more partitions than there are.
        """
        count = self.npartitions if npartitions <= -1 else npartitions
        if count > self.npartitions:
            raise ValueError(f"npartitions={npartitions} of a bag that has {self.npartitions}; pass -1 for all")
        taken = Bag._of(self._taken(k, count, warn and not compute))
        if not compute:
            return taken
        found = tuple(taken.compute())
        if warn:
            streams.warn_of_few(k, len(found))
        return found

    def _taken(self, k: int, count: int, warn: bool) -> Layer:
        some = Step(partial(streams.first_of, k), "take-partial")
        last = Step(partial(streams.first_warned if warn else streams.first_of, k), "take")
        joined = Step(streams.joined, "take-partial")

        def make_pieces(keys: list[Any]) -> list[Any]:
            nodes = self._layer.nodes[:count]
            if count == 1:
                return [piece(last, (nodes[0],), keys[0])]
            token = reductions.token_of(keys[0])
            parts = [piece(some, (node,), (f"take-partial-{token}", i)) for i, node in enumerate(nodes)]
            return [piece(last, (piece(joined, (parts,), f"take-joined-{token}"),), keys[0])]

        return Layer("take", (self, k, count, warn), [self._layer], 1, make_pieces)

    def to_delayed(self, optimize_graph: bool = True) -> list[Delayed]:
        """The partitions as delayed objects, whose chains of steps are fused when they are computed."""
        return [as_delayed(node) for node in self._layer.nodes]

    # -- reductions ------------------------------------------------------------------------------------------------

    def reduction(
        self,
        perpartition: Callable[..., Any],
        aggregate: Callable[..., Any],
        split_every: int | bool | None = None,
        out_type: type[Any] = Item,
        name: Text | None = None,
    ) -> Any:
        """perpartition of each partition, and aggregate of lists of what that gave, until one value is left.

        split_every: how many are put together at a time, 8 unless given, False for all. out_type: Item, or Bag where
        the value is a partition. name: what to call it.
        """
        return self._reduced(
            perpartition, aggregate, split_every, out_type, name, reductions.takes_iterators(perpartition)
        )

    def _reduced(
        self,
        perpartition: Callable[..., Any],
        aggregate: Callable[..., Any],
        split_every: Any = None,
        out_type: type[Any] = Item,
        name: Text | None = None,
        lazily: bool = True,
    ) -> Any:
        every = reductions.split(split_every, self.npartitions)
        names = reductions.names_of(perpartition, aggregate, name)
        one = issubclass(out_type, Item)
        layer = reductions.tree(
            self._layer, perpartition, aggregate, every, one, names, (perpartition, aggregate), lazily
        )
        return out_type._of(layer)

    def fold(
        self,
        binop: Callable[[Any, Any], Any],
        combine: Callable[[Any, Any], Any] | None = None,
        initial: Any = MISSING,
        split_every: int | bool | None = None,
        out_type: type[Any] = Item,
    ) -> Any:
        """The elements put together, two at a time: binop within partitions, combine (or binop) between them.

        initial: what each partition begins with, a copy for each; the value of a bag without elements.
        """
        perpartition = partial(reductions.folded, binop, initial)
        aggregate = partial(reductions.combined, combine or binop, initial)
        return self._reduced(perpartition, aggregate, split_every, out_type, name=function_name(binop))

    def foldby(
        self,
        key: Any,
        binop: Callable[[Any, Any], Any],
        initial: Any = MISSING,
        combine: Callable[[Any, Any], Any] | None = None,
        combine_initial: Any = MISSING,
        split_every: int | bool | None = None,
    ) -> Bag:
        """(key, its elements put together) for each key: a groupby and fold in one, without moving the elements.

        key: a function, or an item's name. initial, combine_initial: a total to begin with, or a function that makes
        it; without one the first element is. binop takes a total and an element, combine two totals.
        """
        perpartition = partial(reductions.folded_by, key, binop, initial)
        aggregate = partial(reductions.merged_by, combine or binop, combine_initial)
        merged = self._reduced(perpartition, aggregate, split_every, type(self), "foldby")
        return merged._along("foldby", (), Step(reductions.items, "items"))  # type: ignore[no-any-return]

    def frequencies(self, split_every: int | bool | None = None, sort: bool = False) -> Bag:
        """(element, how many times it is there) for each distinct element. sort: the most frequent first."""
        counts = self._reduced(
            reductions.frequencies, reductions.merged_frequencies, split_every, type(self), "frequencies"
        )
        pairs: Bag = counts._along("frequencies", (), Step(reductions.items, "items"))
        return pairs._along("frequencies", ("sorted",), Step(reductions.by_count, "sorted")) if sort else pairs

    def topk(self, k: int, key: Any = None, split_every: int | bool | None = None) -> Bag:
        """The k largest elements, by a key: a function of the element or of its members, or an item's name."""
        if key is not None:
            several = callable(key) and reductions.takes_several(key)
            key = reductions.Spread(key) if several else streams.getter(key)
        perpartition = partial(reductions.largest, k, key)
        return self._reduced(perpartition, partial(reductions.largest_of, k, key), split_every, Bag, "topk")  # type: ignore[no-any-return]

    def distinct(self, key: Any = None) -> Bag:
        """Each element once, or of those with one key the first. key: a function, or an item's name."""
        perpartition = partial(reductions.distinct, key)
        return self._reduced(perpartition, partial(reductions.distinct_of, key), None, Bag, "distinct")  # type: ignore[no-any-return]

    def sum(self, split_every: int | bool | None = None) -> Any:
        """The sum of the elements."""
        return self._reduced(sum, sum, split_every)

    def max(self, split_every: int | bool | None = None) -> Any:
        """The largest element."""
        return self._reduced(max, max, split_every)

    def min(self, split_every: int | bool | None = None) -> Any:
        """The smallest element."""
        return self._reduced(min, min, split_every)

    def any(self, split_every: int | bool | None = None) -> Any:
        """Whether an element is true."""
        return self._reduced(any, any, split_every)

    def all(self, split_every: int | bool | None = None) -> Any:
        """Whether all elements are true."""
        return self._reduced(all, all, split_every)

    def count(self, split_every: int | bool | None = None) -> Any:
        """How many elements there are."""
        return self._reduced(reductions.counted, sum, split_every, name="count")

    def mean(self) -> Any:
        """The arithmetic mean."""
        return self._reduced(moments.totals, moments.mean_of, False, name="mean")

    def var(self, ddof: int = 0) -> Any:
        """The variance: the sum of the squares about the mean, divided by the count less ddof."""
        return self._reduced(moments.moments, partial(moments.variance_of, ddof), False, name="var")

    def std(self, ddof: int = 0) -> Any:
        """The square root of the variance."""
        return self.var(ddof=ddof).apply(math.sqrt)

    # -- with others -----------------------------------------------------------------------------------------------

    def groupby(
        self,
        grouper: Any,
        method: Any = None,
        npartitions: int | None = None,
        blocksize: int = 2**20,
        max_branch: int | None = None,
        shuffle: Text | None = None,
    ) -> Bag:
        """(key, list of its elements) for each key. This moves all elements; foldby, where it is enough, does not.

        grouper: a function, or an item's name. shuffle: "disk" (the default on one machine) by files, which only
        workers of this machine can read, or "tasks" by tasks. npartitions: of the result. blocksize: with "disk", how
        many elements are held before they are written. max_branch: with "tasks", in how many partitions one is cut at a
        time, 32.
        """
        from plait.lazy.bag import grouping

        if method is not None:
            raise TypeError("groupby has no method=; pass shuffle='disk' or shuffle='tasks'")
        return grouping.groupby(self, grouper, npartitions, blocksize, max_branch, shuffle)

    def join(self, other: Any, on_self: Any, on_other: Any = None) -> Bag:
        """(element of other, element of this) for all pairs with equal keys.

        other: an iterable, a delayed one, or a bag, which is held in memory. on_self, on_other: functions, or items'
        names; on_other is on_self unless given.
        """
        find_other = streams.getter(on_self if on_other is None else on_other)
        table, match = (
            Step(partial(streams.table_of, find_other), "join-table"),
            Step(partial(streams.matched, streams.getter(on_self)), "join"),
        )
        inputs = [self._layer] if not isinstance(other, Collection) else [self._layer, other._layer]
        told = other if isinstance(other, Collection | Delayed) or not isinstance(other, Iterable) else list(other)

        def make_pieces(keys: list[Any]) -> list[Any]:
            held = piece(table, (told,), f"join-table-{reductions.token_of(keys[0])}")
            rows = zip(self._layer.nodes, keys, strict=True)
            return [piece(match, (node, held), key) for node, key in rows]

        return self._of(Layer("join", (self, told, on_self, on_other), inputs, self.npartitions, make_pieces))

    def product(self, other: Bag) -> Bag:
        """All pairs (element of this, element of other)."""
        step = Step(streams.pairs, "product")

        def make_pieces(keys: list[Any]) -> list[Any]:
            both = ((left, right) for left in self._layer.nodes for right in other._layer.nodes)
            return [piece(step, pair, key) for pair, key in zip(both, keys, strict=True)]

        count = self.npartitions * other.npartitions
        return self._of(Layer("product", (self, other), [self._layer, other._layer], count, make_pieces))

    # -- out -------------------------------------------------------------------------------------------------------

    def to_textfiles(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Write each partition to a file, an element a line. See `plait.lazy.bag.to_textfiles`."""
        from plait.lazy.bag.writing_text import to_textfiles

        return to_textfiles(self, path, *args, **kwargs)

    def to_avro(self, filename: Any, schema: Mapping[Text, Any], *args: Any, **kwargs: Any) -> Any:
        """Write each partition to an Avro file. See `plait.lazy.bag.to_avro`."""
        from plait.lazy.bag.writing_avro import to_avro

        return to_avro(self, filename, schema, *args, **kwargs)

    def to_dataframe(self, meta: Any = None, columns: Sequence[Text] | None = None, optimize_graph: bool = True) -> Any:
        """The elements (tuples, dictionaries or scalars) as pandas frames: a list of delayed ones, one a partition.

        meta: an empty frame, {name: dtype} or (name, dtype) pairs of the columns; without it the first element is
        computed. columns: the names alone. Raises ValueError for both, or where there is no first element.
        """
        from plait.lazy.bag import frames_pandas

        return frames_pandas.frames(self, meta, columns)

    def _along(self, label: Text, told: Sequence[Any], step: Step, *further: Any) -> Bag:
        """A bag of a step of each partition, with further arguments."""
        arguments = (Partitioned(self._layer), *further)
        return self._of(blockwise(label, (self, *told), step, self.npartitions, arguments))

    str = property(StringAccessor)


def finalize(partitions: list[Any]) -> Any:
    """The elements of computed partitions in one list; the partitions where they are no iterables."""
    if partitions and isinstance(partitions[0], Iterable) and not isinstance(partitions[0], str):
        return list(streams.joined(partitions))
    return partitions


def _shown(layer: Layer) -> str:
    return layer.label or str(layer.name).rpartition("-")[0] or str(layer.name)


def bag_map(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Bag:
    """func of the elements of some bags, see Bag.map.

    Raises ValueError without a bag, or for bags of other numbers of partitions.
    """
    values = [*args, *kwargs.values()]
    count, kind = _alike(values)
    mapped = streams.Mapped(func, [isinstance(value, Bag) for value in values], tuple(kwargs))
    name = function_name(func)
    step = Step(mapped, f"map({name})", elements=True)
    return kind._of(blockwise(name, ("map", func, args, kwargs), step, count, _arguments(values)))


def map_partitions(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Bag:
    """func of the partitions of some bags, see Bag.map_partitions. Raises ValueError as bag_map()."""
    name = kwargs.pop("token", None) or function_name(func)
    values = [*args, *kwargs.values()]
    count, kind = _alike(values)
    step = Step(partial(streams.called, func, tuple(kwargs)) if kwargs else func, name, lazily=False)
    return kind._of(blockwise(name, ("map-partitions", func, args, kwargs), step, count, _arguments(values)))


def _arguments(values: Iterable[Any]) -> list[Any]:
    return [Partitioned(value._layer) if isinstance(value, Bag) else value for value in values]


def _alike(values: Iterable[Any]) -> tuple[int, type[Bag]]:
    """The number of partitions of the bags among some values, and their class."""
    bags = [value for value in values if isinstance(value, Bag)]
    counts = {bag.npartitions for bag in bags}
    if not bags:
        raise ValueError("no bag among the arguments; pass at least one")
    if len(counts) > 1:
        raise ValueError(
            f"bags of {', '.join(map(str, sorted(counts)))} partitions do not go along; call repartition() on some"
        )
    kinds = {type(bag) for bag in bags}
    return counts.pop(), kinds.pop() if len(kinds) == 1 else Bag
