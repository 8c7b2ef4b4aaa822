"""Partitions as such: choosing, counting and changing them: a mixin."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make, make_as
from plait.lazy.blocks import Blocks, Layer
from plait.lazy.dataframe.expression import FrameExpression, unknown
from plait.lazy.dataframe.repartitioning import by_count, by_divisions, by_frequency
from plait.lazy.expressions.plans import plan
from plait.lazy.handles import Delayed
from plait.lazy.keys import identity
from plait.lazy.sizes import sizeof
from plait.lazy.units import parse_bytes


class Partitions(FrameExpression):
    """Some partitions of `frame`, by their numbers."""

    parameters = ("frame", "chosen")

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        chosen = self.chosen
        if not self.frame.known_divisions or any(j != i + 1 for i, j in pairwise(chosen)):
            return unknown(len(chosen))
        return tuple([self.frame.divisions[i] for i in (*chosen, chosen[-1] + 1)])

    def layer(self, *inputs: Layer) -> Layer:
        return blocks.made(_chosen, inputs, self.numblocks, self.name, list(self.chosen))


def _chosen(keys: Sequence[Any], frame: Blocks, chosen: list[int]) -> list[Any]:

    return [make(identity, (frame.nodes[i],), None, None, None, key) for key, i in zip(keys, chosen, strict=True)]


class PartitionsIndexer:
    """frame.partitions[i], of one number, a slice or a list."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __getitem__(self, index: Any) -> Any:
        chosen = np.arange(self._frame.npartitions)[index]
        return self._frame._new(Partitions(self._frame.expr, tuple(np.atleast_1d(chosen).tolist())))


class Partitioning:
    """Partitions of dataframes and series."""

    @property
    def partitions(self) -> PartitionsIndexer:
        """Some partitions: frame.partitions[0], frame.partitions[2:4], frame.partitions[[0, 3]]."""
        return PartitionsIndexer(self)

    def get_partition(self: Any, n: int) -> Any:
        """One partition. Raises ValueError for a number that there is not."""
        if not 0 <= n < self.npartitions:
            raise ValueError(f"n must be 0 <= n < {self.npartitions}, got {n}")
        return self.partitions[n]

    def clear_divisions(self: Any) -> Any:
        """The same, with divisions taken for unknown."""
        return self.map_partitions(_same, meta=self._meta, clear_divisions=True)

    def repartition(
        self: Any,
        divisions: Any = None,
        npartitions: Any = None,
        partition_size: Any = None,
        freq: Any = None,
        force: bool = False,
    ) -> Any:
        """In other partitions: by divisions, so many, of about so many bytes (computed now), or of a period each."""
        given = [each for each in (divisions, npartitions, partition_size, freq) if each is not None]
        if len(given) != 1:
            raise ValueError(
                "Please provide exactly one of the ``npartitions=``, ``freq=``, ``divisions=``, ``partition_size=`` "
                "keyword arguments"
            )
        if divisions is not None and not isinstance(divisions, (int, str)):
            return self._new(by_divisions(self.expr, divisions, force))
        if freq is not None:
            return self._new(by_frequency(self.expr, freq))
        if partition_size is not None:
            return self._new(by_count(self.expr, self._count_for(partition_size)))
        return self._new(by_count(self.expr, npartitions if divisions is None else int(divisions)))

    def _count_for(self: Any, size: Any) -> int:
        """How many partitions make about so many bytes each; computes the sizes there are."""
        wanted = parse_bytes(size) if isinstance(size, str) else int(size)
        total = int(
            self.map_partitions(_bytes_of, meta=(None, "int64"), clear_divisions=True, enforce_metadata=False)
            .sum()
            .compute()
        )
        return max(-(-total // wanted), 1)

    def to_delayed(self: Any, optimize_graph: bool = True) -> list[Any]:
        """A lazy value for each partition."""
        node = plan(self.expr)
        return [_delayed(node, i) for i in range(self.npartitions)]


def _delayed(node: Any, i: int) -> Any:
    return make_as(Delayed, _same, (blocks.block(node, (i,)),), None, None, None, (f"{node.key}-delayed", i))


def _bytes_of(part: Any) -> Any:
    return pd.Series([sizeof(part)])


def _same(part: Any) -> Any:
    return part
