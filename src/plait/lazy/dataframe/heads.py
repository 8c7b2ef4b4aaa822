"""The first and the last rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.expression import FrameExpression
from plait.lazy.dataframe.joining import concatenated


class Head(FrameExpression):
    """The first `n` rows of the first `npartitions_read` partitions; of a negative n all but the last."""

    parameters = ("frame", "n", "npartitions_read")

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return self.frame.divisions[0], self.frame.divisions[self.npartitions_read]

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_heads, inputs, (1,), self.name, self.n, self.npartitions_read)


def _heads(keys: Sequence[Any], frame: Blocks, n: int, count: int) -> list[Any]:
    if count == 1:
        return [make(first_rows, (frame.nodes[0], n), None, None, None, keys[0])]
    name = keys[0][0]
    firsts = [
        make(first_rows, (node, n), None, None, None, (f"{name}-partial", i)) if n >= 0 else node
        for i, node in enumerate(frame.nodes[:count])
    ]
    return [make(_first_of, (firsts, n), None, None, None, keys[0])]


def first_rows(part: Any, n: int) -> Any:
    """The first rows of a partition."""
    return part[:n] if isinstance(part, pd.Index) else part.head(n)


def _first_of(parts: list[Any], n: int) -> Any:
    return first_rows(concatenated(parts), n)


class Tail(FrameExpression):
    """The last `n` rows of the last partition."""

    parameters = ("frame", "n")

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return self.frame.divisions[-2:]

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_tail, inputs, (1,), self.name, self.n)


def _tail(keys: Sequence[Any], frame: Blocks, n: int) -> list[Any]:
    return [make(last_rows, (frame.nodes[-1], n), None, None, None, keys[0])]


def last_rows(part: Any, n: int) -> Any:
    """The last rows of a partition."""
    return part[len(part) - n if n else len(part) :] if isinstance(part, pd.Index) else part.tail(n)
