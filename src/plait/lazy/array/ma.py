"""Masked arrays in blocks: numpy.ma's functions of lazy arrays, whose blocks are numpy.ma.MaskedArray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plait.lazy.array import searching, statistics
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import asanyarray, from_array
from plait.lazy.array.kinds import Axes, Folded
from plait.lazy.array.reductions import reduced


def _elementwise(name: str, arrays: int = 1) -> Callable[..., Any]:
    """numpy.ma's function of that name, block by block; the first `arrays` arguments are arrays."""
    function = getattr(np.ma, name)

    def lazily(*args: Any, **keywords: Any) -> Any:
        operands = [asanyarray(each) for each in args[:arrays]]
        return operands[0]._elementwise(function, *operands, *args[arrays:], **keywords)

    lazily.__name__ = name
    lazily.__doc__ = f"As numpy.ma.{name}(), lazily."
    return lazily


filled = _elementwise("filled")
getdata = _elementwise("getdata")
getmaskarray = _elementwise("getmaskarray")
fix_invalid = _elementwise("fix_invalid")
masked_equal = _elementwise("masked_equal")
masked_greater = _elementwise("masked_greater")
masked_greater_equal = _elementwise("masked_greater_equal")
masked_inside = _elementwise("masked_inside")
masked_invalid = _elementwise("masked_invalid")
masked_less = _elementwise("masked_less")
masked_less_equal = _elementwise("masked_less_equal")
masked_not_equal = _elementwise("masked_not_equal")
masked_outside = _elementwise("masked_outside")
masked_values = _elementwise("masked_values")
ones_like = _elementwise("ones_like")
zeros_like = _elementwise("zeros_like")
empty_like = _elementwise("empty_like")


def masked_array(
    data: Any, mask: Any = np.ma.nomask, fill_value: Any = None, chunks: Any = "auto", **kwargs: Any
) -> Array:
    """As numpy.ma.masked_array(), lazily. chunks: of data and mask that are not lazy. kwargs: dtype, keep_mask,
    hard_mask, shrink. Raises ValueError for a mask of another shape than the data's, TypeError for a fill value that is
    no scalar.
    """
    values = data if isinstance(data, Array) else _in_chunks(data, chunks)
    operands = [values]
    if mask is not np.ma.nomask:
        given = (
            mask
            if isinstance(mask, Array)
            else _in_chunks(mask, values.chunks if np.shape(mask) == values.shape else chunks)
        )
        if given.shape not in ((), values.shape):
            raise ValueError(
                f"Mask and data not compatible: data shape is {values.shape}, and mask shape is {given.shape}."
            )
        operands.append(given)
    if isinstance(fill_value, Array):
        if fill_value.ndim:
            raise ValueError(f"fill_value must be scalar or array-like of one element, not of shape {fill_value.shape}")
        operands.append(fill_value)
        return values._elementwise(_FilledBy(len(operands) > 2, kwargs), *operands)
    made = _Masked(fill_value, kwargs)
    return values._elementwise(made, *operands)


def _in_chunks(value: Any, chunks: Any) -> Array:
    array = np.asanyarray(value)
    return from_array(array, chunks=normalize_chunks(chunks, array.shape, dtype=array.dtype), asarray=False)


class _Masked:
    """A masked block of a block, and perhaps its mask."""

    def __init__(self, fill_value: Any, options: dict[str, Any]) -> None:
        self.fill_value, self.options = fill_value, options
        self.__name__ = "masked_array"

    def __call__(self, block: Any, mask: Any = np.ma.nomask) -> Any:
        if mask is not np.ma.nomask and np.ndim(mask) == 0 and np.ndim(block):
            mask = np.broadcast_to(mask, np.shape(block))
        return np.ma.masked_array(block, mask=mask, fill_value=self.fill_value, **self.options)

    def __dask_tokenize__(self) -> Any:
        return "masked_array", self.fill_value, sorted(self.options.items())


class _FilledBy(_Masked):
    """As _Masked, with the fill value as the last operand."""

    def __init__(self, has_mask: bool, options: dict[str, Any]) -> None:
        super().__init__(has_mask, options)

    def __call__(self, block: Any, *rest: Any) -> Any:
        mask = rest[0] if self.fill_value else np.ma.nomask
        return np.ma.masked_array(block, mask=mask, fill_value=np.asarray(rest[-1])[()], **self.options)


def masked_where(condition: Any, a: Any) -> Array:
    """As numpy.ma.masked_where(), lazily. Raises IndexError where the shapes differ."""
    shape = getattr(condition, "shape", ())
    array = asanyarray(a)
    if shape and shape != array.shape:
        raise IndexError(f"Inconsistent shape between the condition and the input (got {shape} and {array.shape})")
    return array._elementwise(np.ma.masked_where, condition, array)


def set_fill_value(a: Array, fill_value: Any) -> None:
    """The array's blocks have another fill value from now on."""
    a.expr = a._elementwise(_filling, a, fill_value).expr


def _filling(block: Any, fill_value: Any) -> Any:
    if isinstance(block, np.ma.MaskedArray):
        block = block.copy()
        np.ma.set_fill_value(block, fill_value)
    return block


class _Count(Folded):
    """How many elements are not masked."""

    def __init__(self) -> None:
        super().__init__("count", "add")

    def chunk(self, block: Any, axis: Axes, dtype: Any = None, **_: Any) -> Any:
        return np.asarray(np.ma.count(block, axis=axis, keepdims=True))

    def fold(self, dtype: Any = None, **_: Any) -> None:
        return None


def count(a: Any, axis: Any = None, keepdims: bool = False, split_every: Any = None) -> Array:
    """As numpy.ma.count(), lazily."""
    return Array.of(reduced(asanyarray(a).expr, _Count(), axis, keepdims, split_every, np.dtype(np.intp)))


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """As numpy.ma.average(), lazily: what is masked has no weight."""
    array = asanyarray(a)
    if weights is None:
        found = array.mean(axis=axis, keepdims=keepdims)
        total = count(array, axis=axis, keepdims=keepdims).astype(found.dtype)
        return (found, total) if returned else found
    shares = asanyarray(weights)
    if shares.shape != array.shape:
        if axis is None or shares.ndim != 1 or shares.shape[0] != array.shape[axis]:
            raise TypeError("weights need the array's shape, or one axis of its length along axis=")
        shares = shares[tuple([slice(None) if each == axis % array.ndim else None for each in range(array.ndim)])]
        shares = array._elementwise(_spread, shares, array)
    shares = masked_where(getmaskarray(array), shares)
    total = shares.sum(axis=axis, keepdims=keepdims)
    found = (array * shares).sum(axis=axis, keepdims=keepdims) / total
    return (found, total) if returned else found


def _spread(shares: Any, block: Any) -> Any:
    return np.broadcast_to(shares, np.shape(block))


def nonzero(a: Any) -> tuple[Array, ...]:
    """As numpy.ma.nonzero(), lazily: masked elements are zero."""
    found: tuple[Array, ...] = searching.nonzero(_present(a))
    return found


def _present(a: Any) -> Array:
    return asanyarray(a)._elementwise(_is_nonzero, asanyarray(a))


def _is_nonzero(block: Any) -> Any:
    return np.ma.filled(block != 0, False)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """As numpy.ma.where(), lazily."""
    if (x is None) != (y is None):
        raise ValueError("either both or neither of x and y should be given")
    if x is None:
        return nonzero(condition)
    operands = [each if np.isscalar(each) else asanyarray(each) for each in (condition, x, y)]
    first = next(each for each in operands if isinstance(each, Array))
    return first._elementwise(np.ma.where, *operands)


def __getattr__(name: str) -> Any:
    if hasattr(np.ma, name) and hasattr(statistics, name):  # sum and its like know masked blocks
        return getattr(statistics, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
