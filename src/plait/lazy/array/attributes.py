"""Plain methods of arrays: types, copies, parts of complex numbers, blocks: a mixin."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy._native.nodes import make, make_as
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.expression import ArrayExpression, Chunks, FromNodes
from plait.lazy.array.kernels import Cast
from plait.lazy.blocks import Blocks, Layer, nested
from plait.lazy.computing import values_of
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.expressions.plans import layer_of, plan
from plait.lazy.handles import Delayed
from plait.lazy.keys import identity


class ChosenBlocks(ArrayExpression):
    """Some blocks of `array`: chosen has the numbers along each axis."""

    parameters = ("array", "chosen")
    label = "blocks"

    @cached_property
    def chunks(self) -> Chunks:
        return tuple(
            [tuple([sizes[i] for i in wanted]) for sizes, wanted in zip(self.array.chunks, self.chosen, strict=True)]
        )

    @cached_property
    def meta(self) -> Any:
        return self.array.meta

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_chosen, inputs, self.numblocks, self.name, [list(each) for each in self.chosen])


def _chosen(keys: Sequence[Any], array: Blocks, chosen: list[list[int]]) -> list[Any]:
    return [
        make(identity, (array[index],), None, None, None, key)
        for key, index in zip(keys, product(*chosen), strict=True)
    ]


class BlockView:
    """array.blocks[i, j:k]: an array of some blocks."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        if any(each is None for each in index):
            raise ValueError("Slicing with np.newaxis or None is not supported")
        if sum(isinstance(each, (np.ndarray, list)) for each in index) > 1:
            raise ValueError("Can only slice with a single list")
        numblocks = self._array.numblocks
        if len(index) > len(numblocks):
            raise IndexError(f"too many indices for {len(numblocks)} axes of blocks: {index}")
        if Ellipsis in index:
            place = index.index(Ellipsis)
            rest = (slice(None),) * (len(numblocks) - len(index) + 1)
            index = (*index[:place], *rest, *index[place + 1 :])
        index = (*index, *[slice(None)] * (len(numblocks) - len(index)))
        chosen = [np.atleast_1d(np.arange(count)[each]).tolist() for count, each in zip(numblocks, index, strict=True)]
        return self._array.of(ChosenBlocks(self._array.expr, tuple(map(tuple, chosen))))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many blocks there are along each axis."""
        return self._array.numblocks

    @property
    def size(self) -> int:
        """How many blocks there are."""
        return self._array.npartitions

    def ravel(self) -> list[Any]:
        """Each block as an array, in order."""
        return [self[index] for index in np.ndindex(self.shape)]


class Attributes:
    """A mixin of `Array`."""

    def astype(self: Any, dtype: Any, **options: Any) -> Any:
        """With elements of another dtype. options: casting, copy, order of numpy's."""
        extra = set(options) - {"casting", "copy", "order", "subok"}
        if extra:
            raise TypeError(f"astype does not take the following keyword arguments: {sorted(extra)}")
        casting = options.get("casting", "unsafe")
        dtype = np.dtype(dtype)
        if self.dtype == dtype:
            return self
        if not np.can_cast(self.dtype, dtype, casting=casting):
            raise TypeError(f"Cannot cast array from {self.dtype!r} to {dtype!r} according to the rule {casting!r}")
        return self.of(elementwise(Cast(dtype, tuple(options.items())), self.expr, result_dtype=dtype))

    def copy(self: Any) -> Any:
        """The same expression: arrays are not changed in place but by assignment, which makes a new expression."""
        return self.of(self.expr)

    def __copy__(self: Any) -> Any:
        return self.of(self.expr)

    def __deepcopy__(self: Any, memo: Any) -> Any:
        return self.of(self.expr)

    def view(self: Any, dtype: Any = None, order: str = "C") -> Any:
        """The same bytes as elements of another dtype; along the last axis for order C, the first for F."""
        dtype = self.dtype if dtype is None else np.dtype(dtype)
        factor = self.dtype.itemsize / dtype.itemsize
        axis = {"C": -1, "F": 0}[order]
        sizes = list(self.chunks)
        sizes[axis] = tuple([_whole_number(size * factor, dtype) for size in sizes[axis]])
        return self.map_blocks(_viewed, dtype, order=order, dtype=dtype, chunks=tuple(sizes))

    @property
    def real(self: Any) -> Any:
        """The real parts."""
        return self._elementwise(np.real, self)

    @property
    def imag(self: Any) -> Any:
        """The imaginary parts."""
        return self._elementwise(np.imag, self)

    def conj(self: Any) -> Any:
        """The conjugates."""
        return self._elementwise(np.conj, self)

    def clip(self: Any, min: Any = None, max: Any = None) -> Any:
        """With values below min and above max set to these."""
        return self._elementwise(np.clip, self, min, max)

    def round(self: Any, decimals: int = 0) -> Any:
        """Rounded to so many decimals."""
        return self._elementwise(np.round, self, decimals=decimals)

    @property
    def blocks(self: Any) -> BlockView:
        """Some blocks as an array: array.blocks[0, 1:3]."""
        return BlockView(self)

    partitions = blocks

    def to_delayed(self: Any, optimize_graph: bool = True) -> Any:
        """A numpy array of lazy values, one a block."""
        node = plan(self.expr)
        found = np.empty(self.numblocks, dtype=object)
        for index in np.ndindex(self.numblocks):
            found[index] = make_as(
                Delayed, identity, (blocks.block(node, index),), None, None, None, (f"{node.key}-delayed", *index)
            )
        return found

    def compute_chunk_sizes(self: Any) -> Any:
        """Compute the sizes of blocks that are unknown, of this object, which it returns."""
        nodes = blocks.parts(layer_of(self.expr))
        shapes = values_of([make(np.shape, (node,), None, None, None, None) for node in nodes], None, None, {})
        grid = nested(shapes, self.numblocks)
        sizes = []
        for axis in range(self.ndim):
            along = []
            for i in range(self.numblocks[axis]):
                cell = grid
                for other in range(self.ndim):
                    cell = cell[i if other == axis else 0]
                along.append(int(cell[axis]))
            sizes.append(tuple(along))
        self.expr = FromNodes(Nodes(nodes), tuple(sizes), self.expr.meta, name=self.name)
        return self

    @property
    def _chunks(self: Any) -> Any:
        """The chunks. Setting them says other sizes of the same blocks, of this object: what a caller knows better."""
        return self.chunks

    @_chunks.setter
    def _chunks(self: Any, chunks: Any) -> None:
        sizes = tuple(map(tuple, chunks))
        if tuple(map(len, sizes)) != self.numblocks:
            raise ValueError(f"chunks {sizes} are of {tuple(map(len, sizes))} blocks, and there are {self.numblocks}")
        nodes = blocks.parts(layer_of(self.expr))
        self.expr = FromNodes(Nodes(nodes), sizes, self.expr.meta, name=self.name)


def _viewed(block: Any, dtype: Any, order: str) -> Any:
    return block.view(dtype) if order == "C" else np.asfortranarray(block).T.view(dtype).T


def _whole_number(size: float, dtype: Any) -> int:
    if size != int(size):
        raise ValueError(f"blocks cannot be viewed as {dtype}: {size} elements; rechunk first")
    return int(size)
