"""Frames as other things: arrays, records, bags; what they take; samples of their rows: a mixin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from plait.lazy import blocks
from plait.lazy.array.collection import Array
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.blocks import Layer, PerBlock
from plait.lazy.dataframe.expression import AXIS, FrameExpression
from plait.lazy.dataframe.metas import meta_nonempty
from plait.lazy.dataframe.reducing import Reduction
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.random_numpy import pseudorandom, random_state_data


class ValuesOf(ArrayExpression):
    """The values of a frame's partitions as blocks. sizes: rows of each, nan where that is not known; records: as
    structured elements.
    """

    parameters = ("frame", "sizes", "records")
    defaults = {"records": False}
    label = "values"

    @cached_property
    def meta(self) -> Any:
        found = _values(meta_nonempty(self.frame.meta), self.records)
        return np.empty((0,) * found.ndim, dtype=found.dtype)

    @cached_property
    def chunks(self) -> Chunks:
        return (self.sizes, *[(len(self.frame.columns),)] * (self.meta.ndim - 1))

    def layer(self, *inputs: Layer) -> Layer:
        labels = (*AXIS, *["column"] * (self.meta.ndim - 1))
        sizes: dict[Any, int] = {"column": 1} if len(labels) == 2 else {}
        call = _Values(self.records)
        return blocks.blockwise(call, labels, (inputs[0], AXIS), name=self.name, sizes=sizes)


class _Values:
    __name__ = "values"

    def __init__(self, records: bool) -> None:
        self._records = records

    def __call__(self, part: Any) -> Any:
        return _values(part, self._records)


def _values(part: Any, records: bool) -> Any:
    return part.to_records() if records else np.asarray(part.values if not isinstance(part, pd.Index) else part)


class MemoryUsage(Reduction):
    """frame.memory_usage(index, deep)."""

    label = "memory-usage"

    @staticmethod
    def chunk(frame: Any, index: bool, deep: bool) -> Any:
        return frame.memory_usage(deep=deep) if isinstance(frame, pd.Index) else frame.memory_usage(index, deep)

    @staticmethod
    def combine(parts: list[Any], **_: Any) -> Any:
        return sum(parts[1:], start=parts[0])

    aggregate = combine


class Drawn(FrameExpression):
    """function(partition, seed, *args), of functions that leave out rows. seeds: Wrapped, one for each partition."""

    parameters = ("frame", "function", "seeds", "args")
    label = "sample"

    @property
    def meta(self) -> Any:
        return self.frame.meta

    @property
    def divisions(self) -> tuple[Any, ...]:
        return self.frame.divisions

    def layer(self, *inputs: Layer) -> Layer:
        seed = PerBlock(lambda index: self.seeds.held[index[0]])
        call = partial(self.function, *self.args)
        return blocks.blockwise(call, AXIS, (inputs[0], AXIS), (seed, AXIS), name=self.name)


def _sampled(frac: float, replace: bool, part: Any, seed: Any) -> Any:
    return part.sample(frac=frac, replace=replace, random_state=np.random.RandomState(seed)) if len(part) else part


def _split_off(shares: tuple[float, ...], number: int, shuffled: bool, part: Any, seed: Any) -> Any:
    state = np.random.RandomState(seed)
    classes = pseudorandom(len(part), shares, state)
    found = part[classes == number]
    return found.sample(frac=1.0, random_state=state) if shuffled and len(found) else found


class Converting:
    """A mixin of dataframes, series and indexes."""

    def to_dask_array(self: Any, lengths: Any = None, meta: Any = None, optimize: bool = True, **_: Any) -> Array:
        """The values as an array, a block a partition. lengths: rows of each, True to compute them; else unknown."""
        return Array.of(ValuesOf(self.expr, self._lengths(lengths)))

    def _lengths(self: Any, lengths: Any) -> tuple[Any, ...]:
        if lengths is None:
            return (np.nan,) * self.npartitions
        if lengths is True:
            lengths = self.map_partitions(_length, enforce_metadata=False, meta=(None, "int64")).compute()
        found = tuple([int(each) for each in lengths])
        if len(found) != self.npartitions:
            raise ValueError(
                "The number of items in 'lengths' does not match the number of partitions. "
                f"{len(found)} != {self.npartitions}"
            )
        return found

    @property
    def values(self: Any) -> Array:
        """The values as an array of blocks of unknown length."""
        found: Array = self.to_dask_array()
        return found

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
        found = np.asarray(self.compute())
        return found if dtype is None else found.astype(dtype)

    def __arrow_c_stream__(self: Any, requested_schema: Any = None) -> Any:
        """The rows as a stream of Arrow's, a partition in memory at a time, for other libraries."""
        import pyarrow as pa

        frame = self if self.ndim == 2 else self.to_frame()
        schema = pa.Schema.from_pandas(meta_nonempty(frame._meta))

        def batches() -> Iterator[Any]:
            for number in range(frame.npartitions):
                part = frame.get_partition(number).compute()
                yield from pa.Table.from_pandas(part, schema=schema).to_batches()

        return pa.RecordBatchReader.from_batches(schema, batches()).__arrow_c_stream__(requested_schema)

    def __dataframe__(self: Any, nan_as_null: bool = False, allow_copy: bool = True) -> Any:
        """The interchange object of the computed frame, as pandas gives it."""
        frame = self if self.ndim == 2 else self.to_frame()
        return frame.compute().__dataframe__(nan_as_null, allow_copy)

    def to_records(self: Any, index: bool = True, lengths: Any = None) -> Array:
        """Rows as records: an array of structured elements."""
        return Array.of(ValuesOf(self.expr, self._lengths(lengths), True))

    def to_bag(self: Any, index: bool = False, format: str = "tuple") -> Any:
        """Rows as a bag of tuples or dicts; values, of a series; with index=True pairs with the index."""
        from plait.lazy.bag import from_delayed

        if format not in ("tuple", "dict", "frame"):
            raise ValueError(f"format must be 'tuple', 'dict' or 'frame', got {format!r}")
        from plait.lazy.decorator import delayed

        rows = delayed(_rows_of, pure=True)
        return from_delayed([rows(part, index, format) for part in self.to_delayed()])

    def memory_usage(self: Any, index: bool = True, deep: bool = False) -> Any:
        """Bytes of each column, and of the index, or of a series or an index. deep: of what objects refer to, too."""
        return self._new(MemoryUsage(self.expr, {"index": index, "deep": deep}))

    def memory_usage_per_partition(self: Any, index: bool = True, deep: bool = False) -> Any:
        """Bytes of each partition, a series."""
        return self.map_partitions(
            _bytes, index, deep, meta=(None, "int64"), clear_divisions=True, enforce_metadata=False
        )

    def sample(self: Any, n: Any = None, frac: Any = None, replace: bool = False, random_state: Any = None) -> Any:
        """A share `frac` of the rows of each partition, by chance. Raises ValueError for n=, which needs all rows."""
        if n is not None:
            raise ValueError("sample() does not support the number of rows n= to draw; pass frac=")
        if frac is None:
            raise ValueError("frac must not be None")
        return self._drawn(_sampled, random_state, frac, replace)

    def random_split(self: Any, frac: Any, random_state: Any = None, shuffle: bool = False) -> list[Any]:
        """Frames that share the rows by chance. frac: shares, which sum to one."""
        if not np.allclose(sum(frac), 1):
            raise ValueError("frac should sum to 1")
        if isinstance(random_state, (int, np.integer)) or random_state is None:
            random_state = np.random.default_rng(random_state).integers(2**31)
        return [self._drawn(_split_off, random_state, tuple(frac), i, shuffle) for i in range(len(frac))]

    def _drawn(self: Any, function: Any, random_state: Any, *args: Any) -> Any:
        """function(partition, seed, *args), with a seed for each partition."""
        seeds = random_state_data(self.npartitions, random_state)
        return self._new(Drawn(self.expr, function, Wrapped(seeds), args))


def _length(part: Any) -> Any:
    return pd.Series([len(part)])


def _bytes(part: Any, index: bool, deep: bool) -> Any:
    used = part.memory_usage(deep=deep) if isinstance(part, pd.Index) else part.memory_usage(index=index, deep=deep)
    return pd.Series([used.sum() if isinstance(used, pd.Series) else used])


def _rows_of(part: Any, index: bool, format: str) -> Any:
    if format == "frame":
        return [part]
    if part.ndim == 1:
        values = part.items() if index and isinstance(part, pd.Series) else part
        found = list(values)
        return [{part.name: each} for each in found] if format == "dict" else found
    if format == "dict":
        return part.reset_index().to_dict(orient="records") if index else part.to_dict(orient="records")
    return list(part.itertuples(index=index, name=None))
