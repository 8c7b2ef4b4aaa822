"""Bag.groupby: by the shuffle on disk, or by tasks alone.

By tasks, elements move in stages: each partition is cut in at most `max_branch` pieces by one digit of their keys'
partitions, and pieces with equal digits are put together. So n partitions take log(n) stages of n * max_branch pieces
rather than n * n.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from functools import partial
from operator import getitem
from typing import TYPE_CHECKING, Any

from plait.lazy import config, schedulers
from plait.lazy.bag import shuffle, streams
from plait.lazy.bag.hashes import stable_hash
from plait.lazy.bag.layers import Layer, Step, named, piece
from plait.lazy.bag.reductions import token_of
from plait.lazy.resources import Resource
from plait.lazy.scratch import open_scratch
from plait.parallel.transport import pickling

if TYPE_CHECKING:
    from plait.lazy.bag.bags import Bag

_BRANCHES = 32


def groupby(
    bag: Bag, grouper: Any, npartitions: int | None, blocksize: int, max_branch: int | None, method: str | None
) -> Bag:
    """See Bag.groupby. Raises ValueError for a method that there is not."""
    if method is None:
        method = config.get("dataframe.shuffle.method", None) or _of_the_scheduler()
    if method in ("tasks", "p2p"):
        return bag._of(by_tasks(bag, grouper, max_branch or _BRANCHES))
    if method != "disk":
        raise NotImplementedError(f"shuffle={method!r} is not known; pass 'disk' or 'tasks'")
    return bag._of(on_disk(bag, grouper, npartitions or bag.npartitions, blocksize))


def _of_the_scheduler() -> str:
    """Files where all workers are on this machine."""
    local = schedulers.engine(None) is None and schedulers.is_local(schedulers.configured(None))
    return "disk" if local else "tasks"


def on_disk(bag: Bag, grouper: Any, count: int, block: int) -> Layer:
    key = streams.getter(grouper)
    label = named("groupby", grouper)
    write = Step(partial(shuffle.write, key, count, block), f"{label}-part")
    barrier = Step(len, "groupby-barrier")
    read = Step(partial(shuffle.read, count), label)

    def make(keys: list[Any]) -> list[Any]:
        token = token_of(keys[0])
        space = piece(Resource(open_scratch, "groupby-space"), (), f"groupby-space-{token}")
        parts = [
            piece(write, (node, space, i), (f"{label}-part-{token}", i)) for i, node in enumerate(bag._layer.nodes)
        ]
        written = piece(barrier, (parts,), f"groupby-barrier-{token}")
        return [piece(read, (written, space, i), each) for i, each in enumerate(keys)]

    return Layer(label, ("disk", bag, grouper, count, block), [bag._layer], count, make)


def by_tasks(bag: Bag, grouper: Any, branches: int) -> Layer:
    count = bag.npartitions
    stages = 1
    while branches**stages < count and branches > 1:
        stages += 1
    base = 1
    while base**stages < count:
        base += 1
    label = named("groupby", grouper)
    key = streams.getter(grouper)

    def make(keys: list[Any]) -> list[Any]:
        token = token_of(keys[0])
        group = Step(partial(_grouped, key, count), f"{label}-hash")
        level = [piece(group, (node,), (f"{label}-hash-{token}", i)) for i, node in enumerate(bag._layer.nodes)]
        for stage in range(stages):
            level = _exchanged(level, base, base**stage, f"shuffle-{stage}", token)
        last = Step(_merged, label)
        return [piece(last, (pieces,), each) for pieces, each in zip(level, keys, strict=False)]

    return Layer(label, ("tasks", bag, grouper, branches), [bag._layer], count, make)


def _exchanged(level: list[Any], base: int, weight: int, label: str, token: str) -> list[Any]:
    """Put together, of partitions whose numbers differ in one digit alone, what has that digit in common."""
    cut = Step(partial(_cut, base, weight), f"{label}-split")
    cuts: dict[int, Any] = {i: piece(cut, (part,), (f"{label}-split-{token}", i)) for i, part in enumerate(level)}
    places = base ** max(1, _digits(len(level), base))
    exchanged = []
    for number in range(places):
        digit = number // weight % base
        low = number - digit * weight
        sources = [low + other * weight for other in range(base)]
        exchanged.append(
            [
                piece(getitem, (cuts[each], digit), (f"{label}-piece-{token}", number, each))
                for each in sources
                if each in cuts
            ]
        )
    return exchanged


def _digits(count: int, base: int) -> int:
    digits = 0
    while base > 1 and base**digits < count:
        digits += 1
    return digits


Hashed = tuple[int, Any, list[Any]]  # output partition, key, elements


def _grouped(key: Any, count: int, part: Iterable[Any]) -> list[Hashed]:
    """The groups of a partition, with where they go."""
    return [(stable_hash(each) % count, each, elements) for each, elements in streams.table_of(key, part).items()]


class Parcel:
    """Groups that are unpacked where they are read: who passes them on between processes passes bytes."""

    __slots__ = ("_groups", "_packed")

    def __init__(self, groups: list[Hashed] | None, packed: bytes = b"") -> None:
        self._groups = groups
        self._packed = packed

    @property
    def groups(self) -> list[Hashed]:
        if self._groups is None:
            self._groups = pickle.loads(self._packed)
        return self._groups

    def __reduce__(self) -> tuple[Any, ...]:
        return Parcel, (None, self._packed or pickling.dumps(self._groups))


def _cut(base: int, weight: int, pieces: Any) -> list[Parcel]:
    """The groups by one digit of where they go."""
    found: list[list[Hashed]] = [[] for _ in range(base)]
    for group in _flat(pieces):
        found[group[0] // weight % base].append(group)
    return [Parcel(groups) for groups in found]


def _flat(pieces: Any) -> Iterable[Hashed]:
    if pieces and isinstance(pieces[0], Parcel):
        return streams.joined(parcel.groups for parcel in pieces)
    groups: Iterable[Hashed] = pieces
    return groups


def _merged(pieces: Any) -> list[tuple[Any, list[Any]]]:
    """Groups of one key put together, with copies of their elements: other tasks may still need the pieces."""
    groups: dict[Any, list[Any]] = {}
    for _, key, elements in _flat(pieces):
        found = groups.get(key)
        if found is None:
            groups[key] = list(elements)
        else:
            found.extend(elements)
    return list(groups.items())
