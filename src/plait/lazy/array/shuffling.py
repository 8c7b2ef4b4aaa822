"""Shuffles: the elements along an axis in an order of groups, where no group is divided among blocks.

Groups share a block while it stays within the largest block there was, times the option "array.chunk-size-tolerance".
A group that is larger is a block nevertheless; then the other axes are cut, so that no block has more elements than
that. Each result's block reads only those that it has elements of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from plait.lazy import config
from plait.lazy.array.expression import ArrayExpression
from plait.lazy.array.rechunking import rechunked
from plait.lazy.array.slicing import Take

TOLERANCE = 1.25


def shuffled(array: ArrayExpression, indexer: Any, axis: int) -> ArrayExpression:
    """The elements along an axis in the order of the groups of indices.

    Raises ValueError for what is no list of lists, unknown sizes and an axis that is not there; IndexError for indices
    that are not there.
    """
    if not isinstance(indexer, list) or not all(isinstance(group, list) for group in indexer):
        raise ValueError(f"indexer must be a list of lists of integers, and is {indexer!r}")
    if not -array.ndim <= axis < array.ndim:
        raise np.exceptions.AxisError(axis, array.ndim)
    axis %= array.ndim
    if not array.is_known:
        raise ValueError(
            f"Shuffling only allowed with known chunk sizes, and there are {array.chunks}; call compute_chunk_sizes()"
        )
    wanted = np.fromiter(chain.from_iterable(indexer), dtype=np.int64)
    length = array.shape[axis]
    if len(wanted) and (wanted.min() < 0 or wanted.max() >= length):
        raise IndexError(f"Indexer contains out of bounds index: axis {axis} has indices 0 to {length - 1}")
    old = array.chunks[axis]
    if [len(group) for group in indexer] == list(old) and (wanted == np.arange(length)).all():
        return array
    limit = max(old) * float(config.get("array.chunk-size-tolerance", TOLERANCE))
    sizes = _sizes([len(group) for group in indexer], limit)
    return Take(_narrowed(array, axis, max(sizes), limit), wanted, axis, sizes)


def _sizes(groups: Sequence[int], limit: float) -> tuple[int, ...]:
    """Sizes of blocks: neighbouring groups together, as long as they fit."""
    found: list[int] = []
    for size in groups:
        if found and found[-1] + size <= limit:
            found[-1] += size
        else:
            found.append(size)
    return tuple(found) or (0,)


def _narrowed(array: ArrayExpression, axis: int, largest: int, limit: float) -> ArrayExpression:
    """An array whose blocks will be `largest` along an axis, cut along the others if that is beyond the limit."""
    excess = largest / max(array.chunks[axis]) if largest > limit else 1.0
    chunks = list(array.chunks)
    others = sorted([i for i in range(array.ndim) if i != axis], key=lambda i: max(chunks[i]))
    for count, i in zip(range(len(others), 0, -1), others, strict=True):
        if excess <= 1:
            break
        width = max(chunks[i])
        cut = max(math.floor(width / excess ** (1 / count)), 1)
        chunks[i] = tuple(chain.from_iterable(_divided(size, cut) for size in chunks[i]))
        excess *= max(chunks[i]) / max(width, 1)
    return rechunked(array, tuple(chunks))


def _divided(size: int, width: int) -> tuple[int, ...]:
    """A block in parts of about equal size, none wider."""
    count = max(math.ceil(size / width), 1)
    share, rest = divmod(size, count)
    return tuple([share + (1 if i < rest else 0) for i in range(count)])


def shuffle(x: Any, indexer: Any, axis: int, chunks: Any = "auto") -> Any:
    """x.shuffle(indexer, axis)."""
    return x.shuffle(indexer, axis, chunks)
