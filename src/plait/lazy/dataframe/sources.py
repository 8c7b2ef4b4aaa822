"""Where dataframes come from: pandas objects in memory."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.frames import Frame, collection
from plait.lazy.dataframe.metas import empty_of
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


def from_pandas(data: Any, npartitions: int = 1, sort: bool = True) -> Frame:
    """A dataframe of a pandas object, in so many partitions of about equal length."""
    if sort and not data.index.is_monotonic_increasing:
        data = data.sort_index()
    step = max(-(-len(data) // npartitions), 1)
    starts = [*range(0, len(data), step), len(data)] if len(data) else [0, 0]
    index = data.index
    bounds: tuple[Any, ...] = (None,) * len(starts)
    if sort and len(data):
        bounds = (*[index[start] for start in starts[:-1]], index[-1])
    return collection(FromPandas(Wrapped(data), bounds, tuple(starts)))
