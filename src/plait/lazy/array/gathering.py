"""Blocks put together to one array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plait.lazy.dispatch import Dispatch

# How blocks of a type are put together; libraries may register theirs.
concatenate_lookup = Dispatch("concatenate")


@concatenate_lookup.register((np.ndarray, object))
def _concatenate(arrays: list[Any], axis: int) -> Any:
    return np.concatenate(arrays, axis=axis)


@concatenate_lookup.register(np.ma.MaskedArray)
def _concatenate_masked(arrays: list[Any], axis: int) -> Any:
    """As numpy.ma's; a fill value that all have stays."""
    found = np.ma.concatenate(arrays, axis=axis)
    fills = [each.fill_value for each in arrays if isinstance(each, np.ma.MaskedArray)]
    if len({repr(each) for each in fills}) == 1:  # nan, too, is itself
        found.fill_value = fills[0]
    return found


def whole(values: list[Any], numblocks: tuple[int, ...]) -> Any:
    """The blocks of an array, a flat list, as one."""
    if len(values) == 1:
        value = values[0]
        # A view may be of what the array was made from, which the caller must be able to change its result without.
        return value.copy(order="K") if type(value) is np.ndarray and value.base is not None else value
    if all(type(each) is np.ndarray for each in values):
        return _filled(values, numblocks)
    join: Callable[..., Any] = concatenate_lookup.dispatch(type(max(values, key=_priority)))
    for axis in range(len(numblocks) - 1, -1, -1):
        width = numblocks[axis]
        values = [
            join(values[start : start + width], axis=axis) if width > 1 else values[start]
            for start in range(0, len(values), width)
        ]
    return values[0]


def _priority(value: Any) -> float:
    return float(getattr(value, "__array_priority__", 0))


def _filled(values: list[Any], numblocks: tuple[int, ...]) -> Any:
    """As above, of numpy's arrays: each is copied once, into its place."""
    ndim = len(numblocks)
    if any(each.ndim != ndim for each in values):
        raise ValueError(f"blocks have {sorted({each.ndim for each in values})} axes, the array {ndim}")
    steps = [1] * ndim
    for axis in range(ndim - 1, 0, -1):
        steps[axis - 1] = steps[axis] * numblocks[axis]
    sizes = [[values[i * steps[axis]].shape[axis] for i in range(numblocks[axis])] for axis in range(ndim)]
    found = np.empty([sum(each) for each in sizes], dtype=np.result_type(*{each.dtype for each in values}))
    starts = [np.cumsum([0, *each]) for each in sizes]
    for place, value in enumerate(values):
        where = []
        for axis in range(ndim):
            i = place // steps[axis] % numblocks[axis]
            where.append(slice(starts[axis][i], starts[axis][i + 1]))
        found[tuple(where)] = value
    return found
