"""Greenlet-local attributes: an object that looks different from each greenlet.

Each greenlet has a dictionary of its own, made when it first touches the object, and the class's `__init__` runs in
it again with the first arguments. The dictionary goes when either the greenlet or the object does. Cost: one weak
dictionary look-up an access.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from plait.greenlet import getcurrent, greenlet

__all__ = ["all_local_dicts_for_greenlet", "local"]

_STATE = "_local__state"


class _State:
    __slots__ = ("args", "dicts", "kwargs")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.dicts: WeakKeyDictionary[greenlet, dict[str, Any]] = WeakKeyDictionary()
        self.args = args
        self.kwargs = kwargs


class local:
    """Subclass it, or store any attribute on it; no other greenlet sees it."""

    __slots__ = ("__weakref__", _STATE)

    def __new__(cls, *args: Any, **kwargs: Any) -> local:
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError(f"{cls.__name__} has no __init__ that would take the arguments {args!r} {kwargs!r}")
        self = object.__new__(cls)
        state = _State(args, kwargs)
        object.__setattr__(self, _STATE, state)
        state.dicts[getcurrent()] = {}
        _all.add(self)
        return self

    def __getattribute__(self, name: str) -> Any:
        values = _values(self)
        if name == "__dict__":
            return values
        if name in values and not _is_data_descriptor(type(self), name):
            return values[name]
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "__dict__":
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        if _is_data_descriptor(type(self), name):
            object.__setattr__(self, name, value)
        else:
            _values(self)[name] = value

    def __delattr__(self, name: str) -> None:
        if name == "__dict__":
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        if _is_data_descriptor(type(self), name):
            object.__delattr__(self, name)
            return
        try:
            del _values(self)[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *_values(self)})

    def __copy__(self) -> local:
        state: _State = object.__getattribute__(self, _STATE)
        copied = type(self)(*state.args, **state.kwargs)
        _values(copied).update(_values(self))
        return copied


def _values(self: local) -> dict[str, Any]:
    """The current greenlet's dictionary."""
    state: _State = object.__getattribute__(self, _STATE)
    runner = getcurrent()
    values = state.dicts.get(runner)
    if values is None:
        values = state.dicts[runner] = {}
        kind = type(self)
        if kind.__init__ is not object.__init__:
            kind.__init__(self, *state.args, **state.kwargs)
    return values


def _is_data_descriptor(kind: type, name: str) -> bool:
    for base in kind.__mro__:
        if name in base.__dict__:
            found = type(base.__dict__[name])
            return hasattr(found, "__set__") or hasattr(found, "__delete__")
    return False


_all: WeakSet[local] = WeakSet()  # for all_local_dicts_for_greenlet


def all_local_dicts_for_greenlet(greenlet: greenlet) -> list[tuple[tuple[type, int], dict[str, Any]]]:
    """What the greenlet has stored in all such objects: ((class, id) of the object, its dictionary)."""
    found = []
    for item in list(_all):
        state: _State = object.__getattribute__(item, _STATE)
        values = state.dicts.get(greenlet)
        if values is not None:
            found.append(((type(item), id(item)), values))
    return found
