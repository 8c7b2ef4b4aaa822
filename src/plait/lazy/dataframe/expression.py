"""Frame expressions: a meta and divisions, known before data is touched.

meta: an empty pandas object (DataFrame, Series, Index; a bare value for what is one number) that says columns, dtypes
and the index's kind. divisions: of n partitions n + 1 index values, rising: partition i has those from divisions[i] to
below divisions[i + 1], the last one inclusive; all None where that is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Layer
from plait.lazy.dataframe.metas import empty_of, is_frame_like, meta_nonempty
from plait.lazy.expressions import Expression
from plait.lazy.expressions.expression import filled
from plait.lazy.expressions.nodes import Nodes

AXIS = ("partition",)

Together: TypeAlias = Mapping[tuple[Any, ...], int | None]


class FrameExpression(Expression):
    """A dataframe, a series, an index or a scalar. Each class gives `meta`, `divisions` and `layer`."""

    family = "dataframe"

    @cached_property
    def meta(self) -> Any:
        """An empty pandas object of the partitions' kind."""
        raise NotImplementedError

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        """See the module."""
        raise NotImplementedError

    @cached_property
    def together(self) -> Together:
        """What is known from shuffles below: tuples of labels, of columns or the index, by which rows with equal values
        are in one partition; each with the number of partitions, where the hash of the values says which one it is (see
        `placing`), else None.
        """
        return {}

    @property
    def npartitions(self) -> int:
        return len(self.divisions) - 1

    @property
    def known_divisions(self) -> bool:
        return len(self.divisions) > 0 and self.divisions[0] is not None

    @property
    def numblocks(self) -> tuple[int, ...]:
        return (self.npartitions,)

    @property
    def ndim(self) -> int:
        return getattr(self.meta, "ndim", 0)

    @cached_property
    def columns(self) -> list[Any]:
        """The columns of a dataframe; the name of a series or an index."""
        return list(self.meta.columns) if self.ndim == 2 else [getattr(self.meta, "name", None)]

    def describe(self) -> str:
        why = f" ({self.note})" if self.note else ""
        return f"{super().describe()}  {self.columns} in {self.npartitions} partitions, pandas{why}"


class FromNodes(FrameExpression):
    """Partitions that are nodes already."""

    parameters = ("nodes", "like", "bounds")
    label = "frame"
    nodes: Nodes

    @property
    def meta(self) -> Any:
        return self.like

    @property
    def divisions(self) -> tuple[Any, ...]:
        return self.bounds

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.given(self.nodes.held, self.numblocks, self.name)


class Partitionwise(FrameExpression):
    """operation(*operands) for each partition, where an expression, also inside an operand, is its partition.

    An expression of one partition is repeated for all. keeps_index: rows have the index that they had.
    is_elementwise: each row is looked at alone, so rows may be left out before as well as after.
    """

    keeps_index: ClassVar[bool] = True
    is_elementwise: ClassVar[bool] = True
    operation: Callable[..., Any]

    @cached_property
    def meta(self) -> Any:
        try:
            return empty_of(self._on([each.meta for each in self.inputs]))
        except Exception:  # what wants to see values
            return empty_of(self._on([meta_nonempty(each.meta) for each in self.inputs]))

    def _on(self, values: Sequence[Any]) -> Any:
        rest = iter(values)
        return type(self).operation(*[filled(each, rest) for each in self.operands])

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        count = max(each.npartitions for each in self.inputs)
        widest = [each for each in self.inputs if each.npartitions == count]
        first = next((each for each in widest if is_frame_like(each.meta)), widest[0])
        changed = isinstance(first.meta, pd.Index)  # its values are what divisions are about
        return first.divisions if self.keeps_index and not changed else unknown(count)

    def layer(self, *inputs: Layer) -> Layer:
        function = type(self).operation
        if sum(isinstance(each, Expression) for each in self.operands) == len(inputs):
            layers = iter(inputs)
            operands = [
                (next(layers), AXIS) if isinstance(each, Expression) else (each, None) for each in self.operands
            ]
        else:  # some are inside operands
            numbers = map(_Place, range(len(inputs)))
            function = _Filling(function, [filled(each, numbers) for each in self.operands])
            operands = [(layer, AXIS) for layer in inputs]
        return blocks.blockwise(function, AXIS, *operands, name=self.name)


class _Place:
    """Where a partition stands inside an operand."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class _Filling:
    """Calls a function on operands with partitions inside them."""

    __slots__ = ("__name__", "_function", "_operands")

    def __init__(self, function: Callable[..., Any], operands: list[Any]) -> None:
        self._function = function
        self._operands = operands
        self.__name__ = getattr(function, "__qualname__", "operation")

    def __call__(self, *partitions: Any) -> Any:
        return self._function(*[_put(each, partitions) for each in self._operands])

    def __reduce__(self) -> Any:
        return _Filling, (self._function, self._operands)


def _put(operand: Any, partitions: tuple[Any, ...]) -> Any:
    kind = type(operand)
    if kind is _Place:
        return partitions[operand.number]
    if kind in (tuple, list):
        return kind([_put(each, partitions) for each in operand])
    if kind is dict:
        return {name: _put(each, partitions) for name, each in operand.items()}
    return operand


def unknown(npartitions: int) -> tuple[None, ...]:
    """Divisions that are not known."""
    return (None,) * (npartitions + 1)
