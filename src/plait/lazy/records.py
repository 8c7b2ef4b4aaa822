"""Containers with named members, which are gone into for lazy nodes: named tuples, dataclasses, ordered dictionaries.

Each is taken apart into a list, and made anew of a list of values.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any


def parts_of(record: Any) -> list[Any] | None:
    """Its members; None where it is no such container."""
    if isinstance(record, OrderedDict):
        return [*record.keys(), *record.values()]
    if isinstance(record, tuple):
        return list(record)
    if isinstance(record, type) or not hasattr(record, "__dataclass_fields__"):
        return None
    return [getattr(record, name) for name in _fields(record)]


def builder_of(record: Any) -> Callable[[list[Any]], Any]:
    """What makes such a container of other members.

    Raises TypeError and ValueError, naming the class, for a dataclass that its fields alone do not make.
    """
    kind = type(record)
    if isinstance(record, OrderedDict):
        return _ordered
    if isinstance(record, tuple):
        return partial(_named, kind)
    names = _fields(record)
    fixed = [name for name in names if not kind.__dataclass_fields__[name].init]
    if fixed:
        raise ValueError(
            f"{kind.__name__} holds lazy values and fields {fixed} that its __init__ does not take: "
            "`init=False` are not supported; pass the values themselves to a delayed function that makes it"
        )
    try:
        kind(**{name: getattr(record, name) for name in names})
    except TypeError as error:
        raise TypeError(
            f"{kind.__name__} holds lazy values, and cannot be made of its fields: a custom __init__ is not supported; "
            "pass the values themselves to a delayed function that makes it"
        ) from error
    return partial(_dataclass, kind, names)


def _fields(record: Any) -> list[str]:
    """Names of the fields that it has a value for."""
    return [name for name in record.__dataclass_fields__ if hasattr(record, name)]


def _ordered(members: list[Any]) -> Any:
    half = len(members) // 2
    return OrderedDict(zip(members[:half], members[half:], strict=True))


def _named(kind: Any, members: list[Any]) -> Any:
    return kind(*members)


def _dataclass(kind: Any, names: list[str], members: list[Any]) -> Any:
    return kind(**dict(zip(names, members, strict=True)))
