"""Chunks as users say them, made explicit: a tuple of block sizes for each axis.

An axis may be given as a size for all blocks, a tuple of sizes, -1 or None for one block, "auto" or a number of bytes
such as "64 MiB"; all axes at once by one such value, or by a dictionary from axes. "auto" divides what is left of the
limit (the option "array.chunk-size") equally among the axes that ask for it, keeping to `previous_chunks` where these
fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from plait.lazy import config
from plait.lazy.array.expression import Chunks
from plait.lazy.units import parse_bytes


class PerformanceWarning(Warning):
    """An operation costs much more than it would with other blocks."""


def normalize_chunks(
    chunks: Any, shape: Sequence[Any] | None = None, limit: Any = None, dtype: Any = None, previous_chunks: Any = None
) -> Chunks:
    """Block sizes for each axis. See the module.

    shape: lengths of the axes, needed unless all sizes are given. limit: bytes of a block for "auto". dtype: of the
    elements, needed for "auto". Raises ValueError where chunks and shape do not fit.
    """
    if dtype is not None and not isinstance(dtype, np.dtype):
        dtype = np.dtype(dtype)
    if chunks is None:
        raise ValueError("chunks=None says nothing; pass sizes, -1 for one block, or 'auto'")
    if shape is not None and not len(shape):
        return ()
    axes = _by_axis(chunks, shape)
    if shape is not None and len(axes) != len(shape):
        raise ValueError(
            f"Chunks and shape must be of the same length/dimension. Got chunks={chunks}, shape={tuple(shape)}"
        )
    if shape is not None:
        axes = [
            length if each is None or (each == -1 and isinstance(each, Number)) else each
            for each, length in zip(axes, shape, strict=True)
        ]
    limits = {parse_bytes(each) for each in axes if isinstance(each, str) and each != "auto"}
    if limits:
        if len(limits) > 1:
            raise ValueError(f"chunks={chunks!r} gives several sizes in bytes; give one")
        limit = limits.pop()
        axes = ["auto" if isinstance(each, str) else each for each in axes]
    if any(isinstance(each, str) for each in axes):
        axes = _automatic(axes, shape, limit, dtype, previous_chunks)
    return _explicit(axes, shape)


def _by_axis(chunks: Any, shape: Sequence[Any] | None) -> list[Any]:
    if isinstance(chunks, list):
        chunks = tuple(chunks)
    if isinstance(chunks, (Number, str)):
        return [chunks] * len(shape or ())
    if isinstance(chunks, Mapping):
        return [chunks.get(axis, None) for axis in range(len(shape or ()))]
    if isinstance(chunks, np.ndarray):
        chunks = chunks.tolist()
    if (
        shape is not None
        and len(shape) == 1
        and len(chunks) != 1
        and all(isinstance(each, (Number, str)) for each in chunks)
    ):
        return [tuple(chunks)] if len(chunks) != 0 else [(0,)] if shape[0] == 0 else []
    if shape is not None and not chunks and any(length == 0 for length in shape):
        return [(0,)] * len(shape)
    return list(chunks)


def _explicit(axes: list[Any], shape: Sequence[Any] | None) -> Chunks:
    found = []
    for axis, each in enumerate(axes):
        length = None if shape is None else shape[axis]
        if isinstance(each, Number):
            if length is None:
                raise ValueError(f"chunks={each!r} for axis {axis} needs the shape; pass it")
            sizes = equal_blocks(length, each)
        else:
            sizes = tuple([size if isinstance(size, float) and math.isnan(size) else int(size) for size in each])
        total = sum(sizes)
        if length is not None and total != length and not math.isnan(total) and not math.isnan(length):
            raise ValueError(f"Chunks do not add up to shape. Got chunks={tuple(axes)}, shape={tuple(shape or ())}")
        if not sizes:
            raise ValueError(
                "Empty tuples are not allowed in chunks. Express zero length dimensions with 0(s) in chunks"
            )
        found.append(sizes)
    return tuple(found)


def equal_blocks(length: Any, size: Any) -> tuple[Any, ...]:
    """Block sizes of an axis: all `size`, but for the last."""
    if isinstance(length, float) and math.isnan(length):
        return (length,)
    if length == 0:
        return (0,)
    size = max(int(size), 1)
    full, rest = divmod(int(length), size)
    return (size,) * full + ((rest,) if rest else ())


def _automatic(axes: list[Any], shape: Sequence[Any] | None, limit: Any, dtype: Any, previous: Any) -> list[Any]:
    """The axes with sizes where "auto" stood."""
    if shape is None or dtype is None:
        raise TypeError("chunks='auto' needs shape and dtype; pass them, or sizes")
    if dtype.hasobject:
        raise NotImplementedError(
            "Can not use auto rechunking with object dtype. We are unable to estimate the size in bytes of object data"
        )
    wanted = [axis for axis, each in enumerate(axes) if each == "auto"]
    if any(isinstance(shape[axis], float) and math.isnan(shape[axis]) for axis in range(len(shape))):
        raise ValueError(
            f"Can not perform automatic rechunking with unknown (nan) chunk sizes, shape={tuple(shape)}; "
            "call compute_chunk_sizes()"
        )
    if limit is None:
        limit = config.get("array.chunk-size")
    bytes_left = parse_bytes(limit) if isinstance(limit, str) else limit
    fixed = math.prod(_largest(each) for axis, each in enumerate(axes) if axis not in wanted)
    elements = max(bytes_left / max(dtype.itemsize, 1) / max(fixed, 1), 1)
    before = {axis: _typical(previous[axis]) if previous else 1.0 for axis in wanted}
    found = list(axes)
    for axis, size in _scaled(before, {axis: shape[axis] for axis in wanted}, elements).items():
        found[axis] = _on_multiples(size, before[axis], shape[axis])
    return found


def _typical(sizes: Any) -> float:
    """The median of block sizes, which a few odd ones do not change; 1 where nothing is known."""
    if not isinstance(sizes, (tuple, list)) or not sizes or any(map(math.isnan, sizes)):
        return 1.0
    return max(float(np.median(sizes)), 1.0)


def _scaled(before: dict[int, float], lengths: dict[int, Any], elements: float) -> dict[int, float]:
    """Block sizes in proportion to those before, whose product is about `elements`.

    An axis that would leave its bounds, 1 and its length, is set to the bound, and the others share what is left.
    """
    found: dict[int, float] = {}
    free = dict(before)
    while free:
        factor = (elements / math.prod(free.values())) ** (1 / len(free))
        bounded = {
            axis: min(max(size * factor, 1.0), max(float(lengths[axis]), 1.0))
            for axis, size in free.items()
            if not 1 <= size * factor < lengths[axis]
        }
        if not bounded:
            return found | {axis: size * factor for axis, size in free.items()}
        found |= bounded
        elements /= math.prod(bounded.values())
        free = {axis: size for axis, size in free.items() if axis not in bounded}
    return found


def _on_multiples(size: float, before: float, length: int) -> int:
    """A whole number; of a size that grows, a multiple of the one before, so that no block is cut."""
    if size >= length:
        return max(int(length), 1) if length else int(length)
    if size > before:
        return int(before * (size // before))
    return max(int(size + 1e-9), 1)


def _largest(each: Any) -> Any:
    return max(each) if isinstance(each, (tuple, list)) else each
