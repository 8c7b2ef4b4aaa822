"""Reductions as methods of arrays, a mixin, and as functions of expressions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from plait.lazy.array import reductions as kinds
from plait.lazy.array.cumulating import cumulated
from plait.lazy.array.elementwise import elementwise
from plait.lazy.array.expression import ArrayExpression
from plait.lazy.array.kinds import Arg, Folded, Mean, Moment, Top
from plait.lazy.array.reductions import Reduction, axes_of, reduced, width_of
from plait.lazy.array.reshaping import flattened


def total(
    array: ArrayExpression, kind: Folded, axis: Any, dtype: Any, keepdims: bool, split_every: Any
) -> ArrayExpression:
    """sum, prod and their like, of a dtype that is numpy's if not given."""
    options = {} if dtype is None else {"dtype": np.dtype(dtype)}
    return reduced(array, kind, axis, keepdims, split_every, dtype, **options)


def extreme(array: ArrayExpression, kind: Folded, axis: Any, keepdims: bool, split_every: Any) -> ArrayExpression:
    """min, max and their like."""
    return reduced(array, kind, axis, keepdims, split_every, array.dtype)


def mean(
    array: ArrayExpression, axis: Any, dtype: Any, keepdims: bool, split_every: Any, skips_nan: bool = False
) -> ArrayExpression:
    """Means."""
    result = np.dtype(dtype) if dtype is not None else np.mean(np.ones(1, dtype=array.dtype)).dtype
    accumulated = result if result.kind != "f" or result.itemsize > 2 else np.dtype("float32")
    return reduced(array, Mean(skips_nan), axis, keepdims, split_every, result, dtype=accumulated)


def moment(
    array: ArrayExpression, axis: Any, dtype: Any, keepdims: bool, split_every: Any, ddof: float, kind: Moment
) -> ArrayExpression:
    """Variances, deviations, and moments of higher order."""
    result = np.dtype(dtype) if dtype is not None else np.var(np.ones(1, dtype=array.dtype)).dtype
    accumulated = None if dtype is None else result
    return reduced(array, kind, axis, keepdims, split_every, result, dtype=accumulated, ddof=ddof)


def places(array: ArrayExpression, function: str, axis: Any, keepdims: bool, split_every: Any) -> ArrayExpression:
    """argmin and its like: along one axis, or of the flat array."""
    if isinstance(axis, (tuple, list)):
        raise TypeError(f"{function} is along one axis, or all, and axis={axis!r}")
    axes = axes_of(axis, array.ndim)
    if any(math.isnan(size) for each in axes for size in array.chunks[each] if array.numblocks[each] > 1):
        raise ValueError(
            f"{function} needs to know where blocks begin, and there are unknown chunksizes: {array.shape}; call "
            "compute_chunk_sizes() first"
        )
    return Reduction(array, Arg(function), axes, bool(keepdims), width_of(split_every, axes), {}, np.dtype(np.intp))


def top(array: ArrayExpression, k: int, axis: int, split_every: Any, places: bool) -> ArrayExpression:
    """The k greatest, or -k least, elements along an axis."""
    axes = axes_of(axis, array.ndim)
    length = min(abs(k), array.shape[axes[0]])
    result = np.dtype(np.intp) if places else array.dtype
    return Reduction(array, Top(k, places), axes, True, width_of(split_every, axes), {}, result, int(length))


def _folding(kind: Folded) -> Any:
    def method(
        self: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None
    ) -> Any:
        return self._into(out, total(self.expr, kind, axis, dtype, keepdims, split_every))

    method.__name__ = kind.function
    method.__doc__ = f"As numpy's {kind.function}(). split_every: how many partial results are combined at a time."
    return method


def _extreme(kind: Folded) -> Any:
    def method(self: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None) -> Any:
        return self._into(out, extreme(self.expr, kind, axis, keepdims, split_every))

    method.__name__ = kind.function
    method.__doc__ = f"As numpy's {kind.function}(). split_every: how many partial results are combined at a time."
    return method


def _truth(kind: Folded) -> Any:
    def method(self: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None) -> Any:
        return self._into(out, reduced(self.expr, kind, axis, keepdims, split_every, bool))

    method.__name__ = kind.function
    method.__doc__ = f"As numpy's {kind.function}()."
    return method


def _place(function: str) -> Any:
    def method(self: Any, axis: Any = None, *, keepdims: bool = False, split_every: Any = None, out: Any = None) -> Any:
        return self._into(out, places(self.expr, function, axis, keepdims, split_every))

    method.__name__ = function
    method.__doc__ = f"As numpy's {function}()."
    return method


class Reducing:
    """A mixin of `Array`."""

    sum = _folding(kinds.SUM)
    prod = _folding(kinds.PROD)
    min = _extreme(kinds.MIN)
    max = _extreme(kinds.MAX)
    any = _truth(kinds.ANY)
    all = _truth(kinds.ALL)
    argmin = _place("argmin")
    argmax = _place("argmax")

    def _into(self: Any, out: Any, expression: ArrayExpression) -> Any:
        found = self.of(expression)
        return found if out is None else self._written(found, out)

    def mean(
        self: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None
    ) -> Any:
        """As numpy's mean()."""
        return self._into(out, mean(self.expr, axis, dtype, keepdims, split_every))

    def var(
        self: Any,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        ddof: float = 0,
        split_every: Any = None,
        out: Any = None,
    ) -> Any:
        """As numpy's var()."""
        return self._into(out, moment(self.expr, axis, dtype, keepdims, split_every, ddof, Moment()))

    def std(
        self: Any,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        ddof: float = 0,
        split_every: Any = None,
        out: Any = None,
    ) -> Any:
        """As numpy's std()."""
        return self._into(out, moment(self.expr, axis, dtype, keepdims, split_every, ddof, Moment(root=True)))

    def moment(
        self: Any,
        order: int,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        ddof: float = 0,
        split_every: Any = None,
        out: Any = None,
    ) -> Any:
        """The central moment of an order. Raises ValueError for an order that is no natural number."""
        if not isinstance(order, int) or order < 0:
            raise ValueError(f"Order must be an integer >= 0, got {order!r}")
        if order < 2:
            constant = reduced(
                self.expr, kinds.SUM, axis, keepdims, split_every, np.var(np.ones(1, dtype=self.dtype)).dtype
            )
            return self._into(out, elementwise(np.full_like, constant, 1.0 if order == 0 else 0.0))
        return self._into(out, moment(self.expr, axis, dtype, keepdims, split_every, ddof, Moment(order)))

    def cumsum(self: Any, axis: Any = None, dtype: Any = None, out: Any = None, *, method: str = "sequential") -> Any:
        """Running sums. Totals of blocks are taken first, so blocks are worked on in parallel whatever the method."""
        return self._into(out, _running(self.expr, "cumsum", "add", axis, dtype, method))

    def cumprod(self: Any, axis: Any = None, dtype: Any = None, out: Any = None, *, method: str = "sequential") -> Any:
        """Running products."""
        return self._into(out, _running(self.expr, "cumprod", "multiply", axis, dtype, method))

    def topk(self: Any, k: int, axis: int = -1, split_every: Any = None) -> Any:
        """The k greatest elements along an axis, the greatest first; of a negative k the least."""
        return self.of(top(self.expr, k, axis, split_every, places=False))

    def argtopk(self: Any, k: int, axis: int = -1, split_every: Any = None) -> Any:
        """Where the k greatest elements along an axis are."""
        return self.of(top(self.expr, k, axis, split_every, places=True))


def _running(array: ArrayExpression, function: str, fold: str, axis: Any, dtype: Any, method: str) -> ArrayExpression:
    if method not in ("sequential", "blelloch"):
        raise ValueError(f'Invalid method for {function}.  Expected "sequential" or "blelloch".  Got: {method!r}')
    if axis is None:
        array, axis = flattened(array), 0
    (along,) = axes_of(axis, array.ndim)
    result = getattr(np, function)(np.ones(1, dtype=array.dtype), dtype=dtype).dtype
    return cumulated(array, getattr(np, function), getattr(np, fold), along, result)
