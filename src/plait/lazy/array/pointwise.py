"""array.vindex[...]: elements by their coordinates, one array of integers for each axis that is indexed so.

The arrays are broadcast together; a point's place in them comes first in the result's shape, then the axes that are
taken whole. Points are divided into blocks of about the size of the array's; a block takes its points from the blocks
that hold them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.array.reshaping import reshaped
from plait.lazy.array.slicing import sliced
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.expressions.wrapping import Wrapped


class Points(ArrayExpression):
    """Elements of `array`; coordinates: Wrapped, axis -> flat array of integers; sizes: of the blocks of points."""

    parameters = ("array", "coordinates", "sizes")
    label = "vindex-merge"

    @cached_property
    def chunks(self) -> Chunks:
        held = self.coordinates.held
        rest = [along for axis, along in enumerate(self.array.chunks) if axis not in held]
        return (self.sizes, *rest)

    @cached_property
    def meta(self) -> Any:
        return empty_like(self.array.meta, len(self.chunks))

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(
            _made, inputs, self.numblocks, self.name, self.array.chunks, self.coordinates.held, self.sizes
        )


def _made(keys: Sequence[Any], array: Blocks, chunks: Chunks, coordinates: dict[int, Any], sizes: Any) -> list[Any]:
    axes = sorted(coordinates)
    blocks_of, local = {}, {}
    for axis in axes:
        starts = np.array([0, *accumulate(chunks[axis])])
        blocks_of[axis] = np.searchsorted(starts, coordinates[axis], side="right") - 1
        local[axis] = coordinates[axis] - starts[blocks_of[axis]]
    bounds = [0, *accumulate(sizes)]
    whole = [axis for axis in range(len(chunks)) if axis not in coordinates]
    nodes = []
    for key, (number, *rest) in zip(
        keys, product(range(len(sizes)), *[range(len(chunks[axis])) for axis in whole]), strict=True
    ):
        here = slice(bounds[number], bounds[number + 1])
        where = np.stack([blocks_of[axis][here] for axis in axes], axis=1)
        kinds, kind = np.unique(where, axis=0, return_inverse=True)
        values, places, taken = [], [], []
        for i, each in enumerate(kinds):
            mine = np.flatnonzero(kind.reshape(-1) == i)
            index: list[int] = [0] * len(chunks)
            for axis, block in zip(axes, each, strict=True):
                index[axis] = int(block)
            for axis, block in zip(whole, rest, strict=True):
                index[axis] = block
            values.append(array[tuple(index)])
            places.append(mine)
            taken.append({axis: local[axis][here][mine] for axis in axes})
        nodes.append(make(_merged, (values, places, taken, len(chunks), sizes[number]), None, None, None, key))
    return nodes


def _merged(values: list[Any], places: list[Any], taken: list[dict[int, Any]], ndim: int, count: int) -> Any:
    found = None
    for value, mine, local in zip(values, places, taken, strict=True):
        axes = sorted(local)
        moved = np.moveaxis(value, axes, range(len(axes))) if axes != list(range(len(axes))) else value
        part = moved[tuple([local[axis] for axis in axes])]
        if found is None:
            found = np.empty((count, *part.shape[1:]), dtype=part.dtype)
        found[mine] = part
    return found


def vindexed(array: ArrayExpression, entries: tuple[Any, ...]) -> ArrayExpression:
    """The expression of array.vindex[entries]. Raises IndexError for what is no index of points."""
    if any(isinstance(each, ArrayExpression) for each in entries):
        raise NotImplementedError("vindex takes no lazy arrays as indices; compute them")
    entries = (*entries, *[slice(None)] * (array.ndim - len(entries)))
    if len(entries) > array.ndim:
        raise IndexError(f"{len(entries)} indices for {array.ndim} axes")
    if any(each is None for each in entries):
        raise IndexError(f"vindex does not support indexing with None (np.newaxis), got {entries}")
    slices = tuple([each if isinstance(each, slice) else slice(None) for each in entries])
    if all(isinstance(each, slice) for each in entries):
        if any(each.indices(size) != (0, size, 1) for each, size in zip(slices, array.shape, strict=True)):
            raise IndexError(f"vindex needs an array of integers beside slices, got {entries}; use array[...]")
        return array
    array = sliced(array, slices)
    given = {
        axis: _points(each, array.shape[axis], axis) for axis, each in enumerate(entries) if not isinstance(each, slice)
    }
    try:
        fitted = np.broadcast_arrays(*given.values())
    except ValueError as error:
        shapes = [np.shape(each) for each in given.values()]
        raise IndexError(f"shape mismatch: indexing arrays of shapes {shapes} are not broadcast together") from error
    shape = fitted[0].shape
    coordinates = {axis: each.reshape(-1) for axis, each in zip(given, fitted, strict=True)}
    count = int(np.prod(shape))
    rest = tuple([size for axis, size in enumerate(array.shape) if axis not in coordinates])
    if not count:
        first = min(coordinates)
        none = [slice(0, 0) if axis == first else 0 for axis in range(array.ndim)]
        cut = sliced(array, tuple([none[axis] if axis in coordinates else slice(None) for axis in range(array.ndim)]))
        return reshaped(cut, (*shape, *rest))
    size = max(int(np.prod([max(array.chunks[axis]) for axis in coordinates])), 1)
    sizes = tuple([min(size, count - start) for start in range(0, count, size)])
    points = Points(array, Wrapped(coordinates), sizes)
    if len(shape) == 1:
        return points
    return sliced(points, (0,)) if not shape else reshaped(points, (*shape, *rest))


def _points(each: Any, length: Any, axis: int) -> Any:
    found = np.asarray(each)
    if found.dtype == bool:
        if found.shape != (length,):
            raise IndexError(f"a mask of shape {found.shape} for axis {axis} of {length} elements")
        found = np.flatnonzero(found)
    if found.dtype.kind not in "iu" and found.size:
        raise IndexError(f"vindex takes integers, got {found.dtype} for axis {axis}")
    found = found.astype(np.intp)
    if ((found < -length) | (found >= length)).any():
        raise IndexError(f"vindex key has entries out of bounds for axis {axis} of size {length}: {each}")
    return np.where(found < 0, found + length, found)
