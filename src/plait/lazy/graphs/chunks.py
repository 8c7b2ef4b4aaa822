"""Operands of blockwise layers that are known from an array's chunks: (size of each block, ...) along each axis."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from plait.lazy.blocks.layers import Index
from plait.lazy.graphs.blockwise import BlockwiseDep

Chunks = tuple[tuple[int, ...], ...]


class ArrayBlockwiseDep(BlockwiseDep):
    """What is known of the blocks of an array."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = chunks
        self.numblocks = tuple([len(axis) for axis in chunks])

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self.chunks


class ArrayChunkShapeDep(ArrayBlockwiseDep):
    """The shape of each block."""

    def __getitem__(self, idx: Index) -> tuple[int, ...]:
        return tuple([axis[i] for axis, i in zip(self.chunks, idx, strict=True)])


class ArraySliceDep(ArrayBlockwiseDep):
    """Where each block lies in the whole array: a slice for each axis."""

    def __init__(self, chunks: Chunks) -> None:
        super().__init__(chunks)
        self.starts = tuple([(0, *accumulate(axis)) for axis in chunks])

    def __getitem__(self, idx: Index) -> tuple[slice, ...]:
        return tuple([slice(axis[i], axis[i + 1], None) for axis, i in zip(self.starts, idx, strict=True)])


class ArrayBlockIdDep(ArrayBlockwiseDep):
    """The index of each block."""

    def __getitem__(self, idx: Index) -> Index:
        return idx


class ArrayValuesDep(ArrayBlockwiseDep):
    """A value for each block, from an array or dictionary of them by index."""

    def __init__(self, chunks: Chunks, values: Any) -> None:
        super().__init__(chunks)
        self.values = values

    def __getitem__(self, idx: Index) -> Any:
        return self.values[idx]

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self.chunks, self.values
