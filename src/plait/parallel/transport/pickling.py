"""Pickling for worker processes: what travels by reference, what by value, and who is to blame when neither works.

Functions and classes of importable modules travel by name. Those of `__main__`, lambdas and closures travel by value,
with cloudpickle: a worker has another `__main__`, or an older one. The C pickler does the work wherever it can; its
output is searched for the name `__main__`, which is cheaper than a Python-level hook on every object.

cloudpickle is imported when it is first needed.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from _blake2 import blake2b  # not hashlib, which loads all of OpenSSL
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plait.parallel.transport.framing import Message, pack

_MAIN = b"__main__"


def dumps(
    value: Any,
    protocol: int = 5,
    buffer_callback: Callable[[pickle.PickleBuffer], object] | None = None,
    dispatch_table: Mapping[type, Any] | None = None,
) -> bytes:
    """pickle.dumps, with cloudpickle in its place where something must travel by value.

    dispatch_table: reductions of types, before those registered with copyreg.
    """
    kept: list[pickle.PickleBuffer] = []
    callback = kept.append if buffer_callback is not None else None
    try:
        if dispatch_table is None:
            data = pickle.dumps(value, protocol, buffer_callback=callback)
        else:
            data = _dumps_by(_PlainPickler, {**copyreg.dispatch_table, **dispatch_table}, value, protocol, callback)
    except Exception:  # PicklingError, AttributeError, TypeError: each pickler says it in its own way
        data = b""
    if not data or _MAIN in data:
        import cloudpickle

        kept.clear()
        table = cloudpickle.Pickler.dispatch_table
        if dispatch_table is not None:
            table = ChainMap(dict(dispatch_table), table)
        data = _dumps_by(cloudpickle.Pickler, table, value, protocol, callback)
    if buffer_callback is not None:
        for buffer in kept:
            buffer_callback(buffer)
    return data


class _PlainPickler(pickle.Pickler):
    """Takes a table before it is initialised, as cloudpickle's does."""


def _dumps_by(kind: Any, table: Mapping[type, Any], value: Any, protocol: int, callback: Any) -> bytes:
    file = io.BytesIO()
    pickler = kind.__new__(kind)
    pickler.dispatch_table = table  # read by __init__
    pickler.__init__(file, protocol=protocol, buffer_callback=callback)
    pickler.dump(value)
    return file.getvalue()


def pack_value(value: Any) -> Message:
    """A value as parts of a message."""
    return pack(value, dumps)


def unpack_value(parts: Sequence[Any]) -> Any:
    """The value that was packed. Raises what unpickling raises, and OSError where a part was lost on the way."""
    for part in parts:
        if isinstance(part, OSError):
            raise part
    return pickle.loads(parts[0], buffers=parts[1:])


def content_hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def blame(value: Any, name: str) -> tuple[str, BaseException]:
    """The innermost attribute or item of `value` that cannot be pickled, as a path from `name`, and the reason."""
    reason = failure(value)
    if reason is None:
        return name, pickle.PicklingError("it can be pickled now; it changed while it was sent")
    for _ in range(20):  # a bound for values that hold themselves
        inner = next(((path, item) for path, item in _members(value) if failure(item) is not None), None)
        if inner is None:
            break
        path, value = inner
        name += path
        reason = failure(value) or reason
    return name, reason


def blame_call(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> tuple[str, BaseException]:
    """As blame(), for a call: whether it is the function or which argument."""
    if failure(function) is not None:
        return blame(function, "the function")
    named = [(f"argument {i}", value) for i, value in enumerate(args)]
    named += [(f"argument {name}", value) for name, value in kwargs.items()]
    for name, value in named:
        if failure(value) is not None:
            return blame(value, name)
    return blame((args, dict(kwargs)), "the arguments")


def failure(value: Any) -> Exception | None:
    """Why `value` cannot be pickled; None where it can."""
    try:
        dumps(value)
    except Exception as error:
        return error
    return None


def _members(value: Any) -> list[tuple[str, Any]]:
    """(path, item) of what a value visibly consists of."""
    if isinstance(value, dict):
        return [(f"[{key!r}]", item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{i}]", item) for i, item in enumerate(value)]
    attributes = getattr(value, "__dict__", None)
    return [(f".{name}", item) for name, item in attributes.items()] if isinstance(attributes, dict) else []
