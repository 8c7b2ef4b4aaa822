"""Partitions that are rows of arrays, in memory or lazy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression, unknown
from plait.lazy.dataframe.io.pieces import FromPieces, Piecewise
from plait.lazy.dataframe.metas import empty_of
from plait.lazy.expressions.wrapping import Wrapped


class FromArray(FromPieces):
    """Rows of an array, sliced when they are needed. pieces: (start, stop); like: Wrapped meta."""

    parameters = ("source", "pieces", "like")
    label = "from-array"

    @cached_property
    def meta(self) -> Any:
        return self.like.held

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return (*[start for start, _ in self.pieces], max(self.pieces[-1][1] - 1, 0))

    def reader(self) -> Rows:
        return Rows(self.source, self.like)


class Rows:
    """Makes pandas objects of rows of an array."""

    __name__ = "from_array"

    def __init__(self, source: Wrapped, like: Wrapped) -> None:
        self._source = source
        self._like = like

    def __dask_tokenize__(self) -> Any:
        return "Rows", self._source, self._like

    def __call__(self, piece: tuple[int, int]) -> Any:
        start, stop = piece
        return shaped(np.asarray(self._source.held[start:stop]), self._like.held, pd.RangeIndex(start, stop))


class FromBlocks(FrameExpression):
    """Blocks of rows of a lazy array. starts: of n blocks n + 1 row numbers, or None; index: a lazy index, or None."""

    parameters = ("array", "like", "starts", "index")
    label = "from-array"

    @cached_property
    def meta(self) -> Any:
        return self.like.held

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        if self.index is not None:
            return tuple(self.index.divisions)
        if self.starts is None:
            return unknown(self.array.numblocks[0])
        return (*self.starts[:-1], max(self.starts[-1] - 1, 0))

    def layer(self, *inputs: Layer) -> Layer:
        axes = (*AXIS, "column")[: len(self.array.numblocks)]
        others: list[Any] = [(self.like, None)]
        if self.index is not None:
            others.append((inputs[1], AXIS))
        elif self.starts is not None:
            others.append((PerBlock(Piecewise([Wrapped(pair) for pair in self._spans()])), AXIS))
        return blocks.blockwise(_of_block, AXIS, (inputs[0], axes), *others, name=self.name)

    def _spans(self) -> list[tuple[int, int]]:
        return list(zip(self.starts[:-1], self.starts[1:], strict=True))


def _of_block(block: Any, like: Wrapped, where: Any = None) -> Any:
    if isinstance(block, list):  # of all columns: there is one
        block = np.concatenate(block, axis=1)
    index = pd.RangeIndex(*where.held) if isinstance(where, Wrapped) else where
    return shaped(block, like.held, index)


def shaped(values: Any, like: Any, index: Any) -> Any:
    """The pandas object of a block of rows."""
    if isinstance(like, pd.Series):
        return pd.Series(values, index=index, name=like.name)
    if values.dtype.names is not None:
        return pd.DataFrame({name: values[name] for name in values.dtype.names}, index=index)[list(like.columns)]
    return pd.DataFrame(values, index=index, columns=like.columns)


def meta_of(dtype: Any, shape: Sequence[Any], columns: Any, index: Any = None) -> Any:
    """The meta of rows of an array. Raises ValueError where columns do not fit."""
    if len(shape) > 2:
        raise ValueError(f"from_array does not input more than 2D array, got array with shape {tuple(shape)!r}")
    names = getattr(dtype, "names", None)
    index = None if index is None else index[:0]
    if names is not None:
        labels = list(names) if columns is None else list(columns)
        wrong = [label for label in labels if label not in names]
        if wrong:
            raise ValueError(f"dtype {list(names)} doesn't match columns {labels}")
        return pd.DataFrame({name: np.empty(0, dtype[name]) for name in labels}, index=index)
    if len(shape) == 1:
        if columns is not None and not isinstance(columns, str) and len(list(columns)) != 1:
            raise ValueError(f"For a 1d array, columns must be a scalar or single element, got {columns!r}")
        if columns is None or isinstance(columns, str):
            return pd.Series(np.empty(0, dtype), name=columns, index=index)
        return pd.DataFrame(np.empty((0, 1), dtype), columns=list(columns), index=index)
    if np.isnan(shape[1]):
        raise ValueError("Shape along axis 1 must be known; call compute_chunk_sizes() first")
    labels = list(range(shape[1])) if columns is None else list(columns)
    if len(labels) != shape[1]:
        raise ValueError(
            f"Number of column names must match width of the array. Got {len(labels)} names for {shape[1]} columns"
        )
    return pd.DataFrame(np.empty((0, len(labels)), dtype), columns=labels, index=index)


def in_memory_array(x: Any, chunksize: int, columns: Any, meta: Any) -> FromArray:
    """The expression of an array's rows."""
    like = meta_of(x.dtype, x.shape, columns) if meta is None else empty_of(meta)
    count = len(x)
    pieces = [(start, min(start + chunksize, count)) for start in range(0, count, chunksize)] or [(0, 0)]
    return FromArray(Wrapped(x), tuple(pieces), Wrapped(like))


def of_blocks(array: Any, columns: Any, index: Any, meta: Any) -> FromBlocks:
    """The expression of a lazy array's rows. array: its expression, of one block of columns; index: of a lazy index."""
    own = getattr(index, "meta", None)
    like = meta_of(array.dtype, array.shape, columns, own) if meta is None else empty_of(meta)
    rows = array.chunks[0]
    if index is not None:
        if index.npartitions != len(rows):
            raise ValueError(
                f"The index and array have different numbers of blocks. ({index.npartitions} != {len(rows)}); "
                "rechunk the array, or repartition the index"
            )
        return FromBlocks(array, Wrapped(like), None, index)
    known = not any(np.isnan(each) for each in rows)
    starts = tuple(accumulate(rows, initial=0)) if known else None
    return FromBlocks(array, Wrapped(like), starts, None)
