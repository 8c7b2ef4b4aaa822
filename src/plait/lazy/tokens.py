"""Tokens: 32 hexadecimal digits that are equal for equal values, in every process.

A value is reduced to bytes: builtin values by type and content, containers member by member (dicts and sets in an order
of their own), functions and classes of importable modules by name, everything else by its pickle, or by what its
method `__dask_tokenize__` returns. A value that cannot be pickled gets a token of its own each time.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from hashlib import blake2b
from types import BuiltinFunctionType, FunctionType
from typing import Any

from plait.parallel.transport import pickling

_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), type(Ellipsis)})


def tokenize(*values: Any) -> str:
    """The token of these values together."""
    return blake2b(_reduce(values), digest_size=16).digest().hex()


def _reduce(value: Any) -> bytes:
    kind = type(value)
    if kind in _PLAIN:
        return f"{kind.__name__}:{value!r};".encode()
    method = getattr(kind, "__dask_tokenize__", None)
    if method is not None:
        return b"own:" + _reduce(method(value))
    if kind is list or kind is tuple:
        return kind.__name__.encode() + b"[" + b"".join(map(_reduce, value)) + b"]"
    if kind is dict:
        pairs = sorted(_reduce(name) + b"=" + _reduce(item) for name, item in value.items())
        return b"dict{" + b"".join(pairs) + b"}"
    if kind is set or kind is frozenset:
        return kind.__name__.encode() + b"{" + b"".join(sorted(map(_reduce, value))) + b"}"
    if isinstance(value, FunctionType | BuiltinFunctionType | type):
        return _reduce_named(value)
    return _pickled(value)


def _reduce_named(value: Callable[..., Any]) -> bytes:
    name = getattr(value, "__qualname__", "")
    module = getattr(value, "__module__", None)
    if not module or module == "__main__" or "<" in name or getattr(value, "__self__", None) is not None:
        return _pickled(value)
    return f"name:{module}:{name};".encode()


def _pickled(value: Any) -> bytes:
    try:
        return b"pickle:" + pickling.dumps(value)
    except Exception:
        return b"unique:" + uuid.uuid4().bytes
