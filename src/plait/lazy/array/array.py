"""Array: a lazy array in blocks, with numpy's interface."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from plait.lazy.array.expression import ArrayExpression, FromNodes
from plait.lazy.array.operators import Operators
from plait.lazy.expressions import Collection
from plait.lazy.expressions.nodes import Nodes

Self = TypeVar("Self", bound="Array")


class Array(Operators, Collection):
    """A lazy array. Its methods are in mixins, one a family of operations; see the package."""

    expr: ArrayExpression

    @classmethod
    def of(cls: type[Self], expression: ArrayExpression) -> Self:
        """The array that an expression is."""
        array = object.__new__(cls)
        array.expr = expression
        return array

    @property
    def chunks(self) -> Any:
        return self.expr.chunks

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.expr.shape

    @property
    def dtype(self) -> Any:
        return self.expr.dtype

    @property
    def ndim(self) -> int:
        return self.expr.ndim

    @property
    def numblocks(self) -> tuple[int, ...]:
        return self.expr.numblocks

    @property
    def _meta(self) -> Any:
        return self.expr.meta

    def _of_nodes(self: Self, nodes: list[Any], name: str) -> Self:
        return self.of(FromNodes(Nodes(nodes), self.expr.chunks, self.expr.meta, name=name))

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _whole, (self.expr.numblocks,)


def _whole(values: list[Any], numblocks: tuple[int, ...]) -> Any:
    """The blocks of an array, a flat list, as one."""
    if len(values) == 1:
        return values[0]
    for axis in range(len(numblocks) - 1, -1, -1):
        width = numblocks[axis]
        values = [
            np.concatenate(values[start : start + width], axis=axis) if width > 1 else values[start]
            for start in range(0, len(values), width)
        ]
    return values[0]
