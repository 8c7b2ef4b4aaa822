"""Pandas objects in memory as expressions; what is needed before there are collections."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.metas import empty_of, is_frame_like
from plait.lazy.expressions.collection import expressions_of
from plait.lazy.expressions.wrapping import Wrapped


class FromPandas(FrameExpression):
    """Rows of a pandas object. source: Wrapped; bounds: divisions; starts: of n partitions n + 1 row numbers."""

    parameters = ("source", "bounds", "starts")
    label = "from_pandas"

    @cached_property
    def meta(self) -> Any:
        return empty_of(self.source.held)

    @property
    def divisions(self) -> tuple[Any, ...]:
        return self.bounds

    def layer(self, *inputs: Layer) -> Layer:
        starts: Any = self.starts
        where = PerBlock(lambda index: (starts[index[0]], starts[index[0] + 1]))
        sizes: dict[Any, int] = {"partition": self.npartitions}
        return blocks.blockwise(_rows, AXIS, (self.source, None), (where, AXIS), name=self.name, sizes=sizes)


def _rows(source: Wrapped, where: tuple[int, int]) -> Any:
    frame = source.held
    return frame[where[0] : where[1]] if not hasattr(frame, "iloc") else frame.iloc[where[0] : where[1]]


def in_one_partition(data: Any) -> FromPandas:
    """A pandas object as one partition. Its divisions are known where its index is sorted."""
    index = data if not hasattr(data, "index") else data.index
    known = len(index) > 0 and index.nlevels == 1 and index.is_monotonic_increasing and not index.hasnans
    bounds = (index[0], index[-1]) if known else (None, None)
    return FromPandas(Wrapped(data), bounds, (0, len(data)))


def operand_of(value: Any) -> Any:
    """What an operation takes for a value that users give: the expression of a collection, or of a pandas object."""
    return in_one_partition(value) if is_frame_like(value) else expressions_of(value)
