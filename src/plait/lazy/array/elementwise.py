"""Elementwise operations: any function that broadcasts, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plait.lazy.array.aligning import aligned
from plait.lazy.array.chunk_types import is_above, is_valid_chunk_type
from plait.lazy.array.expression import ArrayExpression, Elementwise, labels_of
from plait.lazy.array.metas import meta_of
from plait.lazy.array.sources import source_of
from plait.lazy.expressions.collection import Collection


def elementwise(
    function: Callable[..., Any], *args: Any, result_dtype: Any = None, name: str | None = None, **keywords: Any
) -> Elementwise:
    """The expression function(*args, **keywords), with broadcasting. args: expressions, or what numpy takes."""
    operands: list[tuple[Any, Any]] = []
    for value in args:
        if isinstance(value, ArrayExpression):
            operands.append((value, labels_of(value.ndim)))
        elif isinstance(value, (np.ndarray, list)) and np.ndim(value) > 0:
            array = source_of(np.asanyarray(value), -1)
            operands.append((array, labels_of(array.ndim)))
        elif is_valid_chunk_type(type(value)) and np.ndim(value) > 0:  # a sparse array, or another that is no numpy's
            array = source_of(value, -1)
            operands.append((array, labels_of(array.ndim)))
        else:
            operands.append((value, None))
    ndim = max((value.ndim for value, pattern in operands if pattern is not None), default=0)
    sizes, fitted = aligned(operands)
    like = meta_of(function, fitted, keywords, ndim, result_dtype)
    out = labels_of(ndim)
    return Elementwise(function, out, tuple(fitted), keywords, {label: sizes[label] for label in out}, like, name=name)


def is_operand(value: Any, priority: float = 0) -> bool:
    """Whether an operator of arrays takes such a value. priority: of the array that has the operator."""
    if isinstance(value, Collection):
        return True
    if np.isscalar(value) or isinstance(value, (list, np.ndarray, np.generic)):
        return True
    is_array = hasattr(value, "__array__") or is_valid_chunk_type(type(value))
    return is_array and not is_above(value, priority)
