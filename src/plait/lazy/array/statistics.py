"""Reductions as functions, those that skip NaN among them, and statistics made of them."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from plait.lazy.array import reductions as kinds
from plait.lazy.array.applying import joined
from plait.lazy.array.creation import asanyarray, diag
from plait.lazy.array.cumulating import cumulated
from plait.lazy.array.kinds import Folded, Kind, Moment
from plait.lazy.array.products import dot
from plait.lazy.array.reducing import extreme, places, total
from plait.lazy.array.reducing import mean as mean_of
from plait.lazy.array.reducing import moment as moment_of
from plait.lazy.array.reductions import Reduction, axes_of, widths_of
from plait.lazy.array.reshaping import flattened
from plait.lazy.array.stacking import concatenate as concatenated
from plait.lazy.array.ufuncs import FUNCTIONS
from plait.lazy.functions import has_keyword


def _method(name: str) -> Callable[..., Any]:
    def function(a: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(asanyarray(a), name)(*args, **keywords)

    function.__name__ = name
    function.__doc__ = f"As the method {name}() of arrays."
    return function


sum, prod, min, max, any, all, argmin, argmax, mean, var, std, cumsum, cumprod, topk, argtopk = map(
    _method,
    "sum prod min max any all argmin argmax mean var std cumsum cumprod topk argtopk".split(),  # noqa: SIM905
)


def moment(a: Any, order: int, **keywords: Any) -> Any:
    """The central moment of an order."""
    return asanyarray(a).moment(order, **keywords)


def _skipping(kind: Folded) -> Callable[..., Any]:
    def function(
        a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None
    ) -> Any:
        array = asanyarray(a)
        return array._into(out, total(array.expr, kind, axis, dtype, keepdims, split_every))

    function.__name__ = kind.function
    function.__doc__ = f"As numpy's {kind.function}()."
    return function


def _skipping_extreme(kind: Folded) -> Callable[..., Any]:
    def function(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None) -> Any:
        array = asanyarray(a)
        size = math.prod(array.shape)
        if math.isnan(size):
            raise ValueError(
                f"Arrays chunk sizes are unknown: {array.shape}; call compute_chunk_sizes() for {kind.function}"
            )
        if size == 0:
            raise ValueError(
                f"zero-size array to reduction operation f{kind.function.removeprefix('nan')} which has no identity"
            )
        return array._into(out, extreme(array.expr, kind, axis, keepdims, split_every))

    function.__name__ = kind.function
    function.__doc__ = f"As numpy's {kind.function}()."
    return function


nansum, nanprod = map(_skipping, (kinds.NANSUM, kinds.NANPROD))
nanmin, nanmax = map(_skipping_extreme, (kinds.NANMIN, kinds.NANMAX))


def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None
) -> Any:
    """As numpy's nanmean()."""
    array = asanyarray(a)
    return array._into(out, mean_of(array.expr, axis, dtype, keepdims, split_every, skips_nan=True))


def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
) -> Any:
    """As numpy's nanvar()."""
    array = asanyarray(a)
    return array._into(out, moment_of(array.expr, axis, dtype, keepdims, split_every, ddof, Moment(skips_nan=True)))


def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    ddof: float = 0,
    split_every: Any = None,
    out: Any = None,
) -> Any:
    """As numpy's nanstd()."""
    array = asanyarray(a)
    return array._into(
        out, moment_of(array.expr, axis, dtype, keepdims, split_every, ddof, Moment(skips_nan=True, root=True))
    )


def nanargmin(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None) -> Any:
    """As numpy's nanargmin()."""
    array = asanyarray(a)
    return array._into(out, places(array.expr, "nanargmin", axis, keepdims, split_every))


def nanargmax(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None, out: Any = None) -> Any:
    """As numpy's nanargmax()."""
    array = asanyarray(a)
    return array._into(out, places(array.expr, "nanargmax", axis, keepdims, split_every))


def _skipping_running(name: str, fold: Any) -> Callable[..., Any]:
    def function(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, *, method: str = "sequential") -> Any:
        array = asanyarray(a)
        expression = flattened(array.expr) if axis is None else array.expr
        (along,) = axes_of(0 if axis is None else axis, expression.ndim)
        result = getattr(np, name)(np.ones(1, dtype=array.dtype), dtype=dtype).dtype
        return array._into(out, cumulated(expression, getattr(np, name), fold, along, result))

    function.__name__ = name
    function.__doc__ = f"As numpy's {name}()."
    return function


nancumsum, nancumprod = _skipping_running("nancumsum", np.add), _skipping_running("nancumprod", np.multiply)


def ptp(a: Any, axis: Any = None) -> Any:
    """As numpy's ptp()."""
    array = asanyarray(a)
    return array.max(axis=axis) - array.min(axis=axis)


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """As numpy's average()."""
    array = asanyarray(a)
    if weights is None:
        found = array.mean(axis, keepdims=keepdims)
        scale = found.dtype.type(array.size / found.size)
        total_weight: Any = scale
    else:
        weight = asanyarray(weights)
        if array.shape != weight.shape:
            if axis is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            if weight.ndim != 1:
                raise TypeError("1D weights expected when shapes of a and weights differ.")
            if weight.shape[0] != array.shape[axis]:
                raise ValueError("Length of weights not compatible with specified axis.")
            weight = weight.reshape([-1 if i == axis % array.ndim else 1 for i in range(array.ndim)])
        total_weight = (
            (weight + array * 0).sum(axis=axis, keepdims=keepdims)
            if weight.shape != array.shape
            else weight.sum(axis=axis, keepdims=keepdims)
        )
        found = (array * weight).sum(axis=axis, keepdims=keepdims) / total_weight
    return (found, total_weight * (found * 0 + 1)) if returned else found


def _whole_axis(a: Any, axis: Any, name: str) -> tuple[Any, tuple[int, ...]]:
    """An array whose named axes are in one block. Raises NotImplementedError where all axes are meant."""
    array = asanyarray(a)
    if axis is None:
        raise NotImplementedError(
            f"The {name} function only works along an axis. The full algorithm is difficult to do in parallel"
        )
    axes = axes_of(axis, array.ndim)
    return array.rechunk({each: -1 if each in axes else size for each, size in enumerate(array.chunks)}), axes


def _by_axis(name: str) -> Callable[..., Any]:
    def function(a: Any, axis: Any = None, keepdims: bool = False, out: Any = None) -> Any:
        array, axes = _whole_axis(a, axis, name)
        dropped = None if keepdims else list(axes)
        chunks = [(1,) if i in axes else sizes for i, sizes in enumerate(array.chunks)] if keepdims else None
        result = getattr(np, name)(np.ones(1, dtype=array.dtype)).dtype
        found = array.map_blocks(
            getattr(np, name), axis=axes, keepdims=keepdims, dtype=result, drop_axis=dropped, chunks=chunks
        )
        return found if out is None else array._written(found, out)

    function.__name__ = name
    function.__doc__ = f"As numpy's {name}(), along axes that come into one block each."
    return function


median, nanmedian = map(_by_axis, ("median", "nanmedian"))


def _quantiles(name: str) -> Callable[..., Any]:
    def function(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
        interpolation: Any = None,
    ) -> Any:
        array = asanyarray(a)
        if axis is None:
            if builtins.any(count > 1 for count in array.numblocks):
                raise NotImplementedError(
                    f"The {name} function only works along an axis. The full algorithm is difficult to do in parallel"
                )
            axis = tuple(range(array.ndim))
        array, axes = _whole_axis(array, axis, name)
        wanted = np.asarray(q)
        keywords: dict[str, Any] = {
            "method": interpolation or method,
            "keepdims": keepdims,
            "axis": axes if len(axes) > 1 else axes[0],
        }
        rest = [((1,) if keepdims else None) if i in axes else sizes for i, sizes in enumerate(array.chunks)]
        chunks = [(length,) for length in wanted.shape] + [sizes for sizes in rest if sizes is not None]
        sample = getattr(np, name)(np.ones(1, dtype=array.dtype), wanted, method=keywords["method"]).dtype
        dropped = None if keepdims else list(axes)
        added = list(range(wanted.ndim))
        if weights is not None:
            return _weighted(name, array, wanted, axes, keywords, chunks, np.asarray(weights), sample, dropped, added)
        found = array.map_blocks(
            _quantile_of, name, wanted, dtype=sample, chunks=chunks, drop_axis=dropped, new_axis=added, **keywords
        )
        return found if out is None else array._written(found, out)

    function.__name__ = name
    function.__doc__ = f"As numpy's {name}(), along axes that come into one block each."
    return function


def _quantile_of(block: Any, name: str, q: Any, **keywords: Any) -> Any:
    return getattr(np, name)(block, q, **keywords)


def _weighted(
    name: str,
    array: Any,
    q: Any,
    axes: tuple[int, ...],
    keywords: dict[str, Any],
    chunks: Any,
    weights: Any,
    dtype: Any,
    dropped: Any,
    added: Any,
) -> Any:
    if weights.ndim == 1 and array.ndim > 1:
        weights = weights.reshape([-1 if i == axes[0] else 1 for i in range(array.ndim)])
    full = np.broadcast_to(weights, array.shape)
    lazily = asanyarray(full).rechunk(array.chunks)
    return array.map_blocks(
        _weighted_of, lazily, name, q, dtype=dtype, chunks=chunks, drop_axis=dropped, new_axis=added, **keywords
    )


def _weighted_of(block: Any, weights: Any, name: str, q: Any, **keywords: Any) -> Any:
    return getattr(np, name)(block, q, weights=weights, **keywords)


quantile, nanquantile = map(_quantiles, ("quantile", "nanquantile"))


def cov(m: Any, y: Any = None, rowvar: Any = 1, bias: Any = 0, ddof: Any = None) -> Any:
    """As numpy's cov()."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    rows = _observations(m, rowvar)
    if y is not None:
        rows = concatenated([rows, _observations(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    rows = rows - rows.mean(axis=1, keepdims=True)
    count = rows.shape[1] - ddof
    return (dot(rows, rows.T.conj()) / float(count)).squeeze()


def _observations(m: Any, rowvar: Any) -> Any:
    array = asanyarray(m)
    array = array[None, :] if array.ndim == 1 else array
    array = array if rowvar or array.shape[0] == 1 else array.T
    return array.astype(np.result_type(array.dtype, np.float64))


def corrcoef(x: Any, y: Any = None, rowvar: Any = 1) -> Any:
    """As numpy's corrcoef()."""
    found = cov(x, y, rowvar)
    if found.shape == ():
        return found / found
    deviation = FUNCTIONS["sqrt"](diag(found))
    return found / deviation[:, None] / deviation[None, :]


# Reductions of users ------------------------------------------------------------------------------------------


class Users(Kind):
    """Functions of a user: each gets arrays, concatenated along the axes, axis= and keepdims=."""

    def __init__(self, chunk: Any, combine: Any, aggregate: Any, concatenate: bool, ndim: int) -> None:
        self.on_chunk, self.on_combine, self.on_aggregate = chunk, combine, aggregate
        self.concatenate, self.ndim = concatenate, ndim

    def chunk(self, block: Any, axis: tuple[int, ...], **_: Any) -> Any:
        return self.on_chunk(block, axis=axis, keepdims=True)

    nests = True

    def combine(self, parts: Any, axis: tuple[int, ...] = (), **_: Any) -> Any:
        return self.on_combine(self._joined(parts, axis), axis=axis, keepdims=True)

    def finish(self, part: Any, axis: tuple[int, ...] = (), **_: Any) -> Any:
        return self.on_aggregate(self._joined(part, axis), axis=axis, keepdims=True)

    def _joined(self, parts: Any, axis: tuple[int, ...]) -> Any:
        return joined(parts, axis) if self.concatenate else parts


def reduction(
    x: Any,
    chunk: Any,
    aggregate: Any,
    axis: Any = None,
    keepdims: bool = False,
    dtype: Any = None,
    split_every: Any = None,
    combine: Any = None,
    name: Any = None,
    out: Any = None,
    concatenate: bool = True,
    output_size: int = 1,
    meta: Any = None,
    weights: Any = None,
) -> Any:
    """A reduction of your own functions: chunk(block), combine(partial results), aggregate(partial results).

    Each gets axis= and keepdims=. Partial results come concatenated, or as lists if concatenate=False. output_size: how
    many elements there are along a reduced axis in the end. Raises ValueError for a dtype that is missing.
    """
    array = asanyarray(x)
    axes = axes_of(axis, array.ndim)
    if dtype is None and meta is None:
        raise ValueError("Must specify dtype")
    result = np.dtype(dtype if dtype is not None else meta.dtype)
    users = Users(
        _typed(chunk, dtype), _typed(combine or chunk, dtype), _typed(aggregate, dtype), concatenate, array.ndim
    )
    expression = Reduction(
        array.expr, users, axes, bool(keepdims), widths_of(split_every, axes), {}, result, output_size, name=name
    )
    return array._into(out, expression)


def _typed(function: Any, dtype: Any) -> Any:
    return partial(function, dtype=dtype) if dtype is not None and has_keyword(function, "dtype") else function


def cumreduction(
    func: Any,
    binop: Any,
    ident: Any,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    method: str = "sequential",
    preop: Any = None,
) -> Any:
    """Running totals of your own functions: func(block, axis=, dtype=), and binop of what blocks end with."""
    array = asanyarray(x)
    expression = flattened(array.expr) if axis is None else array.expr
    (along,) = axes_of(0 if axis is None else axis, expression.ndim)
    result = (
        np.dtype(dtype) if dtype is not None else getattr(func(np.ones((0,), dtype=array.dtype)), "dtype", array.dtype)
    )
    return array._into(out, cumulated(expression, func, binop, along, result, passes=dtype is not None))
