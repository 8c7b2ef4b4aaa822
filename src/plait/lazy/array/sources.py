"""Where arrays come from: anything with shape, dtype and slicing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from plait.lazy import blocks
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.expression import ArrayExpression, Chunks
from plait.lazy.array.metas import empty_like
from plait.lazy.blocks import Index, Layer, PerBlock
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.locks import SerializableLock


class FromArray(ArrayExpression):
    """Slices of something that has them. source: Wrapped; sizes: its chunks; getter: reads a block; like: the meta."""

    parameters = ("source", "sizes", "getter", "like")
    label = "array"

    @cached_property
    def chunks(self) -> Chunks:
        return self.sizes

    @cached_property
    def meta(self) -> Any:
        return self.like

    def layer(self, *inputs: Layer) -> Layer:
        axes = tuple(range(self.ndim))
        counts: dict[Any, int] = dict(zip(axes, self.numblocks, strict=True))
        where = PerBlock(_Slices(self.chunks))
        operands = [(self.source, None), (where, axes)]
        return blocks.blockwise(self.getter, axes, *operands, name=self.name, sizes=counts)


class _Slices:
    """The slices of a block, by its index."""

    def __init__(self, chunks: Chunks) -> None:
        self._starts = [[0, *accumulate(sizes)] for sizes in chunks]

    def __call__(self, index: Index) -> tuple[slice, ...]:
        return tuple([slice(starts[i], starts[i + 1]) for starts, i in zip(self._starts, index, strict=True)])


class Getter:
    """Reads a block: by `getitem` if there is one, under a lock, as a numpy array if asked for."""

    def __init__(self, lock: Any = False, asarray: bool = False, getitem: Callable[..., Any] | None = None) -> None:
        self.lock, self.asarray, self.getitem = lock, asarray, getitem
        self.__name__ = "getter"

    def __call__(self, source: Wrapped, where: tuple[slice, ...]) -> Any:
        if self.lock:
            with self.lock:
                return self._read(source.held, where)
        return self._read(source.held, where)

    def _read(self, source: Any, where: tuple[slice, ...]) -> Any:
        block = source[where] if self.getitem is None else self.getitem(source, where)
        return np.asarray(block) if self.asarray else block

    def __dask_tokenize__(self) -> Any:
        return "Getter", bool(self.lock), self.asarray, self.getitem


PLAIN = Getter()


def source_of(
    x: Any,
    chunks: Any = "auto",
    name: str | None = None,
    lock: Any = False,
    asarray: bool | None = None,
    getitem: Any = None,
    meta: Any = None,
) -> FromArray:
    """The expression of anything that has shape, dtype and slicing. See from_array."""
    sizes = normalize_chunks(chunks, x.shape, dtype=x.dtype)
    if asarray is None:
        asarray = not hasattr(x, "__array_function__")
    lock = SerializableLock() if lock is True else lock
    plain = not lock and getitem is None and not (asarray and type(x) is not np.ndarray)
    getter = PLAIN if plain else Getter(lock, asarray, getitem)
    like = (
        empty_like(x if meta is None else meta, len(sizes), x.dtype)
        if not asarray or meta is not None
        else np.empty((0,) * len(sizes), dtype=x.dtype)
    )
    return FromArray(Wrapped(x), sizes, getter, like, name=name)
