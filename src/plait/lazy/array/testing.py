"""assert_eq: whether lazy and other arrays have the same values, and whether lazy ones keep what they promise."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from plait.lazy.array.collection import Array
from plait.lazy.blocks import parts
from plait.lazy.computing import values_of
from plait.lazy.expressions import layer_of


def same_keys(a: Any, b: Any) -> bool:
    """Whether two lazy arrays have blocks of the same keys."""

    def keys(each: Any) -> list[str]:
        return sorted(map(str, each.dask))

    return keys(a) == keys(b)


def allclose(a: Any, b: Any, equal_nan: bool = False, **options: Any) -> bool:
    """Whether two arrays have nearly the same values; those that are no numbers, the same."""
    if getattr(a, "dtype", None) != "O":
        if hasattr(a, "mask") or hasattr(b, "mask"):
            return bool(np.ma.allclose(a, b, masked_equal=True, **options))
        return bool(np.allclose(a, b, equal_nan=equal_nan, **options))
    if equal_nan:
        return a.shape == b.shape and all(
            (_is_nan(x) and _is_nan(y)) or x == y for x, y in zip(a.flat, b.flat, strict=True)
        )
    return bool((a == b).all())


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def assert_eq(
    a: Any,
    b: Any,
    check_shape: bool = True,
    check_graph: bool = True,
    check_meta: bool = True,
    check_chunks: bool = True,
    check_ndim: bool = True,
    check_type: bool = True,
    check_dtype: bool = True,
    equal_nan: bool = True,
    scheduler: Any = "sync",
    **options: Any,
) -> bool:
    """Raise AssertionError where two arrays differ in values, dtype or shape, or a lazy one in what it says of itself.

    options: rtol, atol of numpy.allclose.
    """
    _check_order(a, b)
    left, right = [_checked(each, check_shape, check_chunks, check_meta, scheduler) for each in (a, b)]
    (left, said_a), (right, said_b) = left, right
    if check_dtype and str(said_a.dtype) != str(said_b.dtype):
        raise AssertionError(f"a and b have different dtypes: (a: {said_a.dtype}, b: {said_b.dtype})")
    if check_shape and left.shape != right.shape:
        raise AssertionError(f"a and b have different shapes: (a: {left.shape}, b: {right.shape})")
    left, right = _dense(left), _dense(right)
    if check_type and _kind(left) is not _kind(right):
        raise AssertionError(f"a and b have different types: (a: {_kind(left)}, b: {_kind(right)})")
    try:
        same = allclose(left, right, equal_nan=equal_nan, **options)
    except TypeError:
        same = bool(np.all(left == right))
    if not same:
        raise AssertionError(
            f"found values in 'a' and 'b' which differ by more than the allowed amount:\n{left!r}\n{right!r}"
        )
    return True


def _check_order(a: Any, b: Any) -> None:
    """Lists and tuples of values are arrays, too."""
    for each in (a, b):
        if isinstance(each, type):
            raise AssertionError(f"{each} is a class, and no array")


def _checked(value: Any, check_shape: bool, check_chunks: bool, check_meta: bool, scheduler: Any) -> tuple[Any, Any]:
    """(computed, what says its type and dtype)."""
    if not isinstance(value, Array):
        found = value.compute(scheduler=scheduler) if hasattr(value, "__dask_graph__") else value
        return _array(found), _array(found)
    computed = value.compute(scheduler=scheduler)
    meta = value._meta
    found = computed if hasattr(computed, "shape") else np.array(computed, dtype=meta.dtype)
    if check_meta and meta is not None and hasattr(meta, "dtype"):
        if value.dtype is not None and found.dtype != value.dtype:
            raise AssertionError(f"the meta's dtype is {value.dtype}, the value's {found.dtype}")
        if hasattr(meta, "ndim") and meta.ndim != found.ndim:
            raise AssertionError(f"the meta has {meta.ndim} axes, the value {found.ndim}")
    if check_shape:
        _check_shape(value.shape, found.shape)
    if check_chunks:
        _check_chunks(value, scheduler)
    return found, meta if check_meta and hasattr(meta, "dtype") and not np.isscalar(found) else found


def _array(value: Any) -> Any:
    """Python's numbers as arrays; what else has no dtype, such as a sum of objects, as an array of objects."""
    return value if hasattr(value, "dtype") and hasattr(value, "shape") else np.asarray(value)


def _check_shape(said: tuple[Any, ...], found: tuple[int, ...]) -> None:
    if len(said) != len(found) or any(a != b and not math.isnan(a) for a, b in zip(said, found, strict=True)):
        raise AssertionError(f"the shape is said to be {said}, and is {found}")


def _check_chunks(array: Array, scheduler: Any) -> None:
    """Each block has the size that the chunks say."""
    values = values_of(parts(layer_of(array.expr)), scheduler, None, {})
    for index, value in zip(product(*map(range, array.numblocks)), values, strict=True):
        _check_shape(tuple([sizes[i] for sizes, i in zip(array.chunks, index, strict=True)]), _shape_of(value))


def _shape_of(value: Any) -> tuple[int, ...]:
    found = getattr(value, "shape", None)
    return found if isinstance(found, tuple) else np.shape(np.asarray(value))


def _kind(value: Any) -> type:
    """The type of an array, or of the only element of one without axes."""
    return type(value if value.shape else value.item())


def _dense(value: Any) -> Any:
    return value.todense() if hasattr(value, "todense") and not isinstance(value, np.matrix) else value
