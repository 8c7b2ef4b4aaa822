"""Frame expressions: a meta and divisions, known before data is touched.

meta: an empty pandas object (DataFrame, Series, Index; a bare value for what is one number) that says columns, dtypes
and the index's kind. divisions: of n partitions n + 1 index values, rising: partition i has those from divisions[i] to
below divisions[i + 1], the last one inclusive; all None where that is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from plait.lazy import blocks
from plait.lazy.blocks import Layer
from plait.lazy.dataframe.metas import empty_of, is_frame_like
from plait.lazy.expressions import Expression

AXIS = ("partition",)


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
        return f"{super().describe()}  {self.columns} in {self.npartitions} partitions, pandas"


class FromNodes(FrameExpression):
    """Partitions that are nodes already."""

    parameters = ("nodes", "like", "bounds")
    label = "frame"

    @property
    def meta(self) -> Any:
        return self.like

    @property
    def divisions(self) -> tuple[Any, ...]:
        return self.bounds

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.given(self.nodes.held, self.numblocks, self.name)


class Partitionwise(FrameExpression):
    """operation(*operands) for each partition, where an operand that is an expression is its partition.

    An expression of one partition is repeated for all. A class whose operation keeps the index has `keeps_index`; one
    whose operation looks at one row at a time, and at no other, has `is_elementwise`: rows may be left out before it as
    well as after.
    """

    keeps_index: ClassVar[bool] = True
    is_elementwise: ClassVar[bool] = True
    operation: Callable[..., Any]

    @cached_property
    def meta(self) -> Any:
        values = [each.meta if isinstance(each, FrameExpression) else each for each in self.operands]
        return empty_of(type(self).operation(*values))

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        frames = [each for each in self.inputs if isinstance(each, FrameExpression)]
        count = max(each.npartitions for each in frames)
        widest = [each for each in frames if each.npartitions == count]
        first = next((each for each in widest if is_frame_like(each.meta)), widest[0])
        return first.divisions if self.keeps_index else (None,) * (count + 1)

    def layer(self, *inputs: Layer) -> Layer:
        layers = iter(inputs)
        operands = [(next(layers), AXIS) if isinstance(each, Expression) else (each, None) for each in self.operands]
        return blocks.blockwise(type(self).operation, AXIS, *operands, name=self.name)


def unknown(npartitions: int) -> tuple[None, ...]:
    """Divisions that are not known."""
    return (None,) * (npartitions + 1)
