"""numpy's arrays, scalars, dtypes and functions.

An array is the hash of its elements as they lie in memory, with order, dtype and shape; text and other objects are
reduced one by one, since pickles of equal ones differ.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

import numpy as np

from plait.lazy.tokens import objects
from plait.lazy.tokens.code import SCRIPTS
from plait.lazy.tokens.digests import hash_buffer_hex
from plait.lazy.tokens.failing import refuse
from plait.lazy.tokens.normal import normalize_token

_KINDS = "biufcmMSUVO"  # whose text says all
_FOREIGN = 2  # dtype.isbuiltin of another package's


@normalize_token.register(np.ndarray)
def _array(value: np.ndarray[Any, Any]) -> Any:
    if type(value) not in (np.ndarray, np.memmap):
        return _masked(value) if isinstance(value, np.ma.MaskedArray) else objects.form(value)
    if value.dtype.hasobject:
        return "array", value.dtype, value.shape, _objects(value.ravel().tolist())
    order: Literal["C", "F"] = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    flat = np.ascontiguousarray(value.ravel(order))
    try:
        flat = flat.view(np.uint8)
    except (TypeError, ValueError):  # a dtype that has no buffer, of 0 bytes or another package's
        flat = np.frombuffer(flat.tobytes(), np.uint8)
    return "array", value.dtype, value.shape, order, hash_buffer_hex(flat)


def _masked(value: np.ma.MaskedArray[Any, Any]) -> Any:
    return type(value), value.data, np.ma.getmaskarray(value), value.fill_value


def _objects(items: list[Any]) -> Any:
    """The elements of an array of objects; text, the common case, at once."""
    try:
        text = "".join(items).encode(errors="surrogatepass")
        lengths = repr([*map(len, items)]).encode()
        return "text", hash_buffer_hex(text), hash_buffer_hex(lengths)
    except TypeError:
        return items


@normalize_token.register(np.generic)
def _scalar(value: np.generic) -> Any:
    return "scalar", value.dtype, value.tobytes() if not value.dtype.hasobject else value.item()


@normalize_token.register(np.dtype)
def _dtype(value: np.dtype[Any]) -> Any:
    plain = value.fields is None and value.subdtype is None and value.metadata is None
    return (
        ("dtype", value.str) if plain and value.kind in _KINDS and value.isbuiltin != _FOREIGN else objects.form(value)
    )


@normalize_token.register(np.ufunc)
def _ufunc(value: Any) -> Any:
    known: Any = getattr(np, value.__name__, None)
    if known is value:
        return "ufunc", "numpy", value.__name__
    if _is_global(value):
        return "ufunc", value.__name__, value.types, value.__doc__
    refuse(
        f"Cannot tokenize {value!r}: nothing says what a ufunc of one's own computes. Use functions of the module "
        "dask.array.ufunc instead"
    )
    return os.urandom(16).hex()


def _is_global(value: np.ufunc) -> bool:
    """Whether a module has a ufunc under its name. Which one it is from, those of other packages say nowhere."""
    modules = [module for name, module in list(sys.modules.items()) if name not in SCRIPTS]
    return any(getattr(module, "__dict__", {}).get(value.__name__) is value for module in modules)
