"""Array: a lazy array in blocks, with numpy's interface. Its methods are in mixins, one a family of operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, TypeVar

import numpy as np

from plait.lazy.array.attributes import Attributes
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.dispatching import Dispatching
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.expression import ArrayExpression, FromNodes
from plait.lazy.array.gathering import whole
from plait.lazy.array.html import Showing
from plait.lazy.array.indexing import Indexing
from plait.lazy.array.mapping import Mapping
from plait.lazy.array.metas import empty_like
from plait.lazy.array.operators import Operators, written
from plait.lazy.array.reducing import Reducing
from plait.lazy.array.shaping import Shaping
from plait.lazy.containers import ensure_dict
from plait.lazy.expressions import Collection
from plait.lazy.expressions.collection import expressions_of
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.plain import nodes_of

Self = TypeVar("Self", bound="Array")


class Array(Attributes, Dispatching, Indexing, Mapping, Operators, Reducing, Shaping, Showing, Collection):
    """A lazy array.

    dask: a graph that has its blocks under (name, i, j, ...). chunks: as of normalize_chunks. dtype, meta: of the
    blocks; one of them is needed. shape: needed where chunks do not say it.
    """

    expr: Any  # ArrayExpression

    def __new__(
        cls, dask: Any, name: str, chunks: Any, dtype: Any = None, meta: Any = None, shape: Any = None
    ) -> Array:
        """An array of a plain graph."""
        if meta is None and dtype is None:
            raise ValueError("You must specify the meta or dtype of the array")
        if name is None:
            raise TypeError("You must specify the name of the array's keys")
        like = empty_like(np.empty(0, dtype=dtype) if meta is None else meta, None, dtype)
        known = np.dtype(dtype) if dtype is not None else getattr(like, "dtype", None)
        sizes = normalize_chunks(chunks, shape, dtype=known)
        like = empty_like(like, len(sizes), dtype)
        keys = [(name, *index) for index in product(*[range(len(each)) for each in sizes])]
        nodes = nodes_of(ensure_dict(dask), keys)
        return cls.of(FromNodes(Nodes([nodes[key] for key in keys]), sizes, like, name=name))

    @classmethod
    def of(cls: type[Self], expression: ArrayExpression) -> Self:
        """The array that an expression is."""
        array = object.__new__(cls)
        array.expr = expression
        return array

    def _elementwise(self: Self, function: Callable[..., Any], *args: Any, **keywords: Any) -> Self:
        """function(*args, **keywords), element by element; args: this array among them."""
        return self.of(elementwise(function, *map(expressions_of, args), **keywords))

    @staticmethod
    def _written(found: Any, out: Any) -> Any:
        return written(found, out)

    def __reduce__(self) -> Any:
        return type(self).of, (self.expr,)

    # What is known before anything is computed.

    @property
    def name(self) -> str:
        """The start of the keys of its blocks."""
        return self.expr.name

    _name = name

    @property
    def chunks(self) -> Any:
        """Block sizes along each axis; nan for those that are not known."""
        return self.expr.chunks

    @property
    def shape(self) -> tuple[Any, ...]:
        """Lengths of the axes; nan for those that are not known."""
        return self.expr.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self.expr.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self.expr.ndim

    @property
    def numblocks(self) -> tuple[int, ...]:
        """How many blocks there are along each axis."""
        return self.expr.numblocks

    @property
    def npartitions(self) -> int:
        """How many blocks there are."""
        return math.prod(self.numblocks)

    @property
    def chunksize(self) -> tuple[Any, ...]:
        """The largest block's shape."""
        return tuple([max(sizes) for sizes in self.chunks])

    @property
    def size(self) -> Any:
        """How many elements there are."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> Any:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def _meta(self) -> Any:
        return self.expr.meta

    def __len__(self) -> int:
        if not self.chunks:
            raise TypeError("len() of unsized object")
        if math.isnan(self.shape[0]):
            raise ValueError("Cannot call len() on object with unknown chunk size. Use .compute_chunk_sizes()")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        for i in range(len(self)):
            yield self[i]

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any().compute())

    # As a value.

    def _of_nodes(self: Self, nodes: list[Any], name: str) -> Self:
        return self.of(FromNodes(Nodes(nodes), self.expr.chunks, self.expr.meta, name=name))

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return whole, (self.expr.numblocks,)

    def __array__(self, dtype: Any = None, copy: bool | None = None, **_: Any) -> Any:
        found = self.compute()
        if dtype is not None and found.dtype != dtype:
            found = found.astype(dtype)
        return np.asarray(found)

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError(f"The truth value of a {type(self).__name__} is ambiguous. Use a.any() or a.all().")
        return bool(self.compute())

    def _scalar(self, kind: Callable[[Any], Any]) -> Any:
        if self.size > 1:
            raise TypeError("Only length-1 arrays can be converted to Python scalars")
        return kind(self.compute().item() if hasattr(self._meta, "item") else self.compute())

    def __int__(self) -> int:
        return int(self._scalar(int))

    __long__ = __int__

    def __float__(self) -> float:
        return float(self._scalar(float))

    def __complex__(self) -> complex:
        return complex(self._scalar(complex))

    def __index__(self) -> int:
        return int(self._scalar(int))

    def __repr__(self) -> str:
        chunks = ", ".join(str(each) for each in self.chunksize)
        kind = type(self._meta)
        module = kind.__module__.split(".")[0]
        return (
            f"plait.array<{self.name.rpartition('-')[0]}, shape={self.shape}, dtype={self.dtype}, "
            f"chunksize=({chunks}{',' if self.ndim == 1 else ''}), chunktype={module}.{kind.__name__}>"
        )
