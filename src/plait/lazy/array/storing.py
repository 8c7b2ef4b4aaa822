"""Blocks written into arrays that can be assigned to: numpy, h5py, zarr, memory maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, product
from typing import Any

import numpy as np

from plait.lazy._native.nodes import make
from plait.lazy.array.collection import Array
from plait.lazy.array.expression import FromNodes
from plait.lazy.blocks import parts
from plait.lazy.computing import compute as computed
from plait.lazy.decorator import delayed
from plait.lazy.expressions import layer_of
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.handles import Delayed
from plait.lazy.locks import SerializableLock
from plait.lazy.tokens import tokenize


def store(
    sources: Any,
    targets: Any,
    lock: Any = True,
    regions: Any = None,
    compute: bool = True,
    return_stored: bool = False,
    load_stored: bool | None = None,
    **options: Any,
) -> Any:
    """Put the blocks of arrays where they belong in targets, which take assignments to slices.

    sources, targets: one, or lists of as many. regions: slices of a target, for each. lock: True for one lock for all,
    or a lock, or False for targets that may be written to by several threads. return_stored: give arrays that read what
    was written. Raises ValueError for sources that are no lazy arrays, or lists of other lengths.
    """
    several = isinstance(sources, (list, tuple))
    arrays = list(sources) if several else [sources]
    wanted = list(targets) if isinstance(targets, (list, tuple)) else [targets]
    if any(not isinstance(each, Array) for each in arrays):
        raise ValueError("All sources must be lazy arrays")
    if len(arrays) != len(wanted):
        raise ValueError(f"Different number of sources [{len(arrays)}] and targets [{len(wanted)}]")
    places = list(regions) if isinstance(regions, list) else [regions] * len(arrays)
    if len(places) != len(arrays):
        raise ValueError(
            f"Different number of sources [{len(arrays)}] and targets [{len(wanted)}] than regions [{len(places)}]"
        )
    lock = SerializableLock() if lock is True else lock
    writes = [
        _writes(array, target, region, lock) for array, target, region in zip(arrays, wanted, places, strict=True)
    ]
    if not return_stored:
        done = delayed(_nothing)([node for nodes in writes for node in nodes])
        return done.compute(**options) if compute else done
    found = [
        _stored(array, target, region, nodes)
        for array, target, region, nodes in zip(arrays, wanted, places, writes, strict=True)
    ]
    if compute:
        computed(*[Array.of(each.expr) for each in found], **options)
    return tuple(found) if several else found[0]


def _nothing(done: list[Any]) -> None:
    """All blocks are written."""


def _writes(array: Any, target: Any, region: Any, lock: Any) -> list[Any]:
    """A node for each block that writes it."""
    starts = [[0, *accumulate(sizes)] for sizes in array.chunks]
    nodes = parts(layer_of(array.expr))
    found = []
    name = f"store-{tokenize(array, id(target), region)}"
    for node, index in zip(nodes, product(*map(range, array.numblocks)), strict=True):
        where = tuple([slice(along[i], along[i + 1]) for along, i in zip(starts, index, strict=True)])
        target_value = target if isinstance(target, Delayed) else _Held(target)
        found.append(make(_write, (node, target_value, where, region, lock or None), None, None, None, (name, *index)))
    return found


class _Held:
    """A target, as an argument that is not looked into."""

    def __init__(self, target: Any) -> None:
        self.target = target


def _write(block: Any, held: Any, where: tuple[slice, ...], region: Any, lock: Any) -> Any:
    target = held.target if isinstance(held, _Held) else held
    place = where if region is None else fused(region, where)
    if lock is None:
        target[place] = np.asanyarray(block)
    else:
        with lock:
            target[place] = np.asanyarray(block)
    return held


def fused(region: Any, where: Sequence[slice]) -> tuple[Any, ...]:
    """The slices of a region's slices."""
    region = region if isinstance(region, tuple) else (region,)
    found: list[Any] = []
    rest = iter(where)
    for each in region:
        if not isinstance(each, slice):
            found.append(each)
            continue
        inner = next(rest)
        start, step = each.start or 0, each.step or 1
        found.append(slice(start + inner.start * step, start + inner.stop * step, each.step))
    return (*found, *rest)


def _stored(array: Any, target: Any, region: Any, writes: list[Any]) -> Array:
    """An array that reads what was written."""
    starts = [[0, *accumulate(sizes)] for sizes in array.chunks]
    name = f"stored-{tokenize(array, id(target), region)}"
    nodes = []
    for node, index in zip(writes, product(*map(range, array.numblocks)), strict=True):
        where = tuple([slice(along[i], along[i + 1]) for along, i in zip(starts, index, strict=True)])
        nodes.append(make(_read, (node, where, region), None, None, None, (name, *index)))
    return Array.of(FromNodes(Nodes(nodes), array.chunks, array._meta, name=name))


def _read(held: Any, where: tuple[slice, ...], region: Any) -> Any:
    target = held.target if isinstance(held, _Held) else held
    return target[where if region is None else fused(region, where)]
