"""Shapes as methods of arrays: a mixin."""

from __future__ import annotations

import math
import warnings
from numbers import Integral
from typing import Any

import numpy as np

from plait.lazy.array.chunks import equal_blocks, normalize_chunks
from plait.lazy.array.rechunking import rechunked
from plait.lazy.array.reshaping import flattened, reshaped, transposed
from plait.lazy.array.shuffling import shuffled


class Shaping:
    """A mixin of `Array`."""

    def rechunk(
        self: Any,
        chunks: Any = "auto",
        threshold: Any = None,
        block_size_limit: Any = None,
        balance: bool = False,
        method: Any = None,
    ) -> Any:
        """In other blocks. chunks: as of normalize_chunks; a dict names axes. balance: of about equal size."""
        if isinstance(chunks, dict):
            named = {self._own_axis(axis): size for axis, size in chunks.items()}
            chunks = tuple(
                [
                    _given(named.get(axis, sizes), sizes, length)
                    for axis, (sizes, length) in enumerate(zip(self.chunks, self.shape, strict=True))
                ]
            )
        if isinstance(chunks, (tuple, list)):
            chunks = (
                tuple([old if new is None else new for new, old in zip(chunks, self.chunks, strict=True)])
                if len(chunks) == self.ndim
                else chunks
            )
        unknown = [axis for axis, length in enumerate(self.shape) if math.isnan(length)]
        wanted = (
            self._beside_unknown(chunks, unknown)
            if unknown
            else normalize_chunks(
                chunks, self.shape, limit=block_size_limit, dtype=self.dtype, previous_chunks=self.chunks
            )
        )
        if balance:
            wanted = tuple([_balanced(sizes) for sizes in wanted])
        return self if wanted == self.chunks or not self.ndim else self.of(rechunked(self.expr, wanted))

    def _own_axis(self: Any, axis: Any) -> int:
        """An axis as a number that is not negative. Raises TypeError or ValueError for what is none of the array's."""
        if not isinstance(axis, Integral):
            raise TypeError(f"rechunk() needs numbers of axes, and got {axis!r}")
        if not -self.ndim <= axis < self.ndim:
            raise ValueError(f"rechunk() got axis {axis} of an array of {self.ndim} axes")
        return int(axis) % self.ndim

    def _beside_unknown(self: Any, chunks: Any, unknown: list[int]) -> Any:
        """Axes of unknown sizes stay as they are. Raises ValueError where others are asked for."""
        if not isinstance(chunks, (tuple, list)) or len(chunks) != self.ndim:
            raise ValueError(
                f"Arrays chunk sizes are unknown: {self.shape}; call compute_chunk_sizes() before rechunk({chunks!r})"
            )
        found = []
        for axis, (new, old) in enumerate(zip(chunks, self.chunks, strict=True)):
            if axis in unknown:
                if new is not None and not _same_sizes(new, old):
                    raise ValueError(
                        f"Chunks must be unchanging along dimensions with unknown chunks: axis {axis} has {old}, and "
                        f"{new} are asked for; call compute_chunk_sizes() first"
                    )
                found.append(old)
            else:
                found.append(normalize_chunks((new,), (self.shape[axis],), dtype=self.dtype)[0])
        return tuple(found)

    def reshape(self: Any, *shape: Any, merge_chunks: bool = True, limit: Any = None) -> Any:
        """Of another shape; one length may be -1. merge_chunks: blocks along axes that become one may be joined."""
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        return self.of(reshaped(self.expr, tuple(wanted), merge_chunks))

    def transpose(self: Any, *axes: Any) -> Any:
        """With axes in another order; reversed if not said."""
        if not axes or axes == (None,):
            return self.of(transposed(self.expr))
        return self.of(
            transposed(self.expr, axes[0] if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)) else axes)
        )

    @property
    def T(self: Any) -> Any:  # noqa: N802
        """With axes reversed."""
        return self.transpose()

    def ravel(self: Any) -> Any:
        """With one axis."""
        return self.of(flattened(self.expr))

    flatten = ravel

    def shuffle(self: Any, indexer: Any, axis: int, chunks: Any = "auto") -> Any:
        """Along an axis in the order of groups of indices, a list of lists; no group is divided among blocks.

        chunks: "auto", the only value.
        """
        if chunks != "auto":
            raise NotImplementedError(f"chunks={chunks!r}: blocks of a shuffle go by its groups; pass 'auto'")
        return self.of(shuffled(self.expr, indexer, axis))

    def squeeze(self: Any, axis: Any = None) -> Any:
        """Without axes of length one: those named, or all."""
        axes = tuple([i for i, length in enumerate(self.shape) if length == 1]) if axis is None else axis
        axes = (axes,) if isinstance(axes, (int, np.integer)) else tuple(axes)
        for each in axes:
            if not -self.ndim <= each < self.ndim:
                raise np.exceptions.AxisError(each, self.ndim)
        axes = tuple([each % self.ndim for each in axes])
        if any(self.shape[each] != 1 for each in axes):
            raise ValueError("cannot squeeze axis with size other than one")
        return self[tuple([0 if i in axes else slice(None) for i in range(self.ndim)])] if axes else self

    def swapaxes(self: Any, axis1: int, axis2: int) -> Any:
        """With two axes exchanged."""
        order = list(range(self.ndim))
        order[axis1], order[axis2] = order[axis2], order[axis1]
        return self.transpose(order)


def _given(new: Any, old: Any, length: Any) -> Any:
    return old if new is None else new


def _same_sizes(new: Any, old: tuple[Any, ...]) -> bool:
    if not isinstance(new, (tuple, list)) or len(new) != len(old):
        return False
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(new, old, strict=True))


def _balanced(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Blocks of one size, but for the last, so that the last is not much smaller: about as many as there were.

    Where no such size gives that many, they stay as they are, with a warning.
    """
    total, largest = sum(sizes), max(sizes)
    if math.isnan(total) or not largest:
        return sizes
    count = max(round(total / largest), 1)
    found = equal_blocks(total, math.ceil(total / count))
    if len(found) != count:
        warnings.warn(
            f"chunks {sizes} cannot be balanced: no {count} blocks of one size. Try increasing the chunk size",
            stacklevel=3,
        )
        return sizes
    return found


def rechunk(x: Any, chunks: Any = "auto", **options: Any) -> Any:
    """x.rechunk(chunks, **options)."""
    return x.rechunk(chunks, **options)
