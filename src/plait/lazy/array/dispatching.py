"""numpy's functions called with lazy arrays (NEP 18): the function of that name for lazy arrays; a mixin.

A function that has no counterpart gets the arrays' values, with a warning, since that computes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from plait.lazy.array.chunk_types import is_valid_chunk_type

_ALIASES = {"amin": "min", "amax": "max", "round_": "round", "abs": "absolute"}
_ELSEWHERE = {"sliding_window_view": "plait.lazy.array.overlap"}
_OF_METAS = (np.iscomplexobj, np.isrealobj)  # what only asks for the type of elements


def _method(name: str) -> Any:
    """The function of that name as a method."""

    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(import_module("plait.lazy.array"), name)(self, *args, **keywords)

    method.__name__ = name
    method.__doc__ = f"As the function {name}(), of this array."
    return method


class Dispatching:
    """A mixin of `Array`: numpy's functions of it, and its methods that are functions of arrays."""

    choose = _method("choose")
    dot = _method("dot")
    nonzero = _method("nonzero")
    repeat = _method("repeat")
    store = _method("store")
    to_zarr = _method("to_zarr")
    trace = _method("trace")
    __matmul__ = _method("matmul")

    def to_dask_dataframe(self: Any, columns: Any = None, index: Any = None, meta: Any = None) -> Any:
        """The rows as a dataframe, or a series of an array of one axis, a partition a block of rows."""
        return import_module("plait.lazy.dataframe").from_dask_array(self, columns, index, meta)

    def to_hdf5(self: Any, filename: Any, datapath: str, **kwargs: Any) -> None:
        """As to_hdf5(filename, datapath, this array)."""
        import_module("plait.lazy.array").to_hdf5(filename, datapath, self, **kwargs)

    def map_overlap(
        self: Any, func: Callable[..., Any], depth: Any, boundary: Any = None, trim: bool = True, **kwargs: Any
    ) -> Any:
        """As map_overlap(func, this array, ...)."""
        lazily = import_module("plait.lazy.array").map_overlap
        return lazily(func, self, depth=depth, boundary=boundary, trim=trim, **kwargs)

    def __rmatmul__(self: Any, other: Any) -> Any:
        return counterpart(np.matmul)(other, self)  # type: ignore[misc]  # there is one

    def __array_function__(self: Any, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(each, Dispatching) or is_valid_chunk_type(each) for each in types):
            return NotImplemented
        if func in _OF_METAS:
            return func(*[getattr(each, "_meta", each) for each in args], **kwargs)
        lazily = counterpart(func)
        return of_values(func, args, kwargs) if lazily is None else lazily(*args, **kwargs)


def counterpart(func: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function of lazy arrays that stands for one of numpy's."""
    name = getattr(func, "__name__", "")
    inside = (getattr(func, "__module__", None) or "numpy").split(".")[1:]
    try:
        module = import_module(_ELSEWHERE.get(name) or ".".join(["plait.lazy.array", *inside]))
    except ImportError:
        return None
    found: Callable[..., Any] | None = getattr(module, _ALIASES.get(name, name), None)
    return None if found is func else found


def generalized(ufunc: Any, inputs: Any, keywords: Any) -> Any:
    """A call of a universal function that has core axes."""
    lazily = counterpart(ufunc)
    if lazily is not None:
        return lazily(*inputs, **keywords)
    apply = import_module("plait.lazy.array.gufuncs").apply_gufunc
    return apply(ufunc, ufunc.signature, *inputs, **keywords)


def of_values(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function of what lazy arrays have for values, with a warning."""
    from plait.lazy.computing import compute

    name = f"{getattr(func, '__module__', 'numpy')}.{getattr(func, '__name__', func)}"
    warnings.warn(
        f"The `{name}` function is not implemented by Dask array. The arrays are computed, which needs memory for all "
        "of them; use map_blocks() or call compute() to say so",
        FutureWarning,
        stacklevel=3,
    )
    values, named = compute(list(args), kwargs)
    return func(*values, **named)
