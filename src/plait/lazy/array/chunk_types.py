"""Which kinds of arrays may be the blocks of an Array, and which ones an Array leaves operations to.

Libraries of arrays stand above or below lazy ones: numpy's, masked, CuPy's and sparse arrays are what blocks are made
of; xarray's and pint's hold lazy arrays. What is neither known nor registered is taken to stand above.

    register_chunk_type(kind)        blocks may be of this type from now on
    is_valid_chunk_type(kind)
    is_valid_array_chunk(value)
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LIBRARIES = ("cupy", "cupyx", "scipy", "sparse")  # all of whose arrays may be blocks
_kinds: list[type] = [np.ndarray, np.ma.MaskedArray]


def register_chunk_type(type: type) -> None:
    """Blocks may be of a type, which has numpy's interface, from now on; lazy arrays take such operands."""
    _kinds.append(type)


def is_valid_chunk_type(type: type) -> bool:
    """Whether blocks may be of a type."""
    try:
        return issubclass(type, tuple(_kinds)) or _is_of_library(type)
    except TypeError:
        return False


def is_valid_array_chunk(array: Any) -> bool:
    """Whether a value may be a block: an array of such a type, or None."""
    return array is None or is_valid_chunk_type(type(array))


def _is_of_library(kind: type) -> bool:
    return any(
        each.__module__.partition(".")[0] in _LIBRARIES and (hasattr(each, "shape") or hasattr(each, "__array_ufunc__"))
        for each in getattr(kind, "__mro__", ())
    )


def is_above(value: Any, priority: float) -> bool:
    """Whether an operation of a lazy array and a value is the value's: its type stands above. priority: the array's."""
    kind = type(value)
    if hasattr(value, "__array_ufunc__"):
        return value.__array_ufunc__ is None or not (is_valid_chunk_type(kind) or issubclass(kind, np.generic))
    return bool(getattr(value, "__array_priority__", 0) > priority)
