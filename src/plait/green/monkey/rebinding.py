"""Rebinding: references to originals that other modules took before the patch (`from time import sleep`).

`rebind()` follows up the exchanges since its last call: one pass over the names of all loaded modules and of the
classes defined in them. What it does not reach are function defaults, closures, containers and instances; `leftovers()`
names these, and subclasses of classes that were exchanged. That looks at every object, and costs some 100 ms.

Modules that must keep the originals are left alone: this package, others of its kind, and the private modules of the
standard library, where the originals come from. So are names that say that they keep one (`_real_sleep`,
`native_get_ident`).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from plait.green.monkey import state

__all__ = ["Leftover", "leftovers", "rebind"]

_KEEP_ORIGINALS = frozenset({"eventlet", "gevent", "greenlet", "plait"})
_KEEPING_WORDS = frozenset({"native", "orig", "original", "real", "unpatched"})
_Exchange = tuple[str, str, Any, Any]  # module, item, old, new

_followed: dict[int, _Exchange] = {}  # id(old) -> exchange, which keeps the old one alive


class Leftover(NamedTuple):
    """A reference to an original that stayed. original: "module.item"; holder: what has it, and where it is."""

    original: str
    holder: str


def rebind() -> list[str]:
    """Exchange the references to what was exchanged since the last call; returns them as "module.name"."""
    table = {id(old): exchange for exchange in state.exchanged if _is_distinct(old := exchange[2])}
    state.exchanged.clear()
    _followed.update(table)
    if not table:
        return []
    rebound = []
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and not _keeps_originals(name):
            rebound += [f"{name}.{item}" for item in _rebind_module(name, module, table)]
    return rebound


def _is_distinct(old: Any) -> bool:
    """Whether finding the object somewhere means that somebody took it from its module."""
    return callable(old)


def _keeps_originals(name: str) -> bool:
    top = name.partition(".")[0]
    return (
        top in _KEEP_ORIGINALS
        or top in sys.builtin_module_names
        or (top.startswith("_") and top in sys.stdlib_module_names)
    )


def _says_it_keeps(name: str) -> bool:
    return not _KEEPING_WORDS.isdisjoint(name.lower().split("_"))


def _rebind_module(name: str, module: ModuleType, table: dict[int, _Exchange]) -> Iterator[str]:
    names = object.__getattribute__(module, "__dict__")  # a lazy module stays unloaded
    for key, value in list(names.items()):
        exchange = table.get(id(value))
        if exchange is not None and exchange[2] is value and not _says_it_keeps(key):
            names[key] = exchange[3]
            yield key
        elif isinstance(value, type) and value.__module__ == name:
            for item in _rebind_class(value, table):
                yield f"{key}.{item}"


def _rebind_class(holder: type, table: dict[int, _Exchange]) -> Iterator[str]:
    names = holder.__dict__
    for key in [key for key, value in names.items() if id(value) in table or type(value) is staticmethod]:
        value = names[key]
        wrapped = isinstance(value, staticmethod)
        old = value.__func__ if wrapped else value
        exchange = table.get(id(old))
        if exchange is None or exchange[2] is not old or _says_it_keeps(key):
            continue
        new = exchange[3]
        # A function of C does not become a method; one of Python must not either.
        if wrapped or (isinstance(new, FunctionType) and not isinstance(old, FunctionType)):
            new = staticmethod(new)
        try:
            setattr(holder, key, new)
        except (AttributeError, TypeError):  # a class of C
            continue
        yield key


def leftovers() -> list[Leftover]:
    """Who still has an original that was exchanged: defaults, closures, containers, instances, subclasses."""
    found: list[Leftover] = []
    for holder in gc.get_objects():
        if holder is not _followed and not _keeps_originals(_module_of(holder)):
            found += _leftovers_in(holder)
    return sorted(set(found))


def _leftovers_in(holder: Any) -> Iterator[Leftover]:
    if isinstance(holder, FunctionType):
        where = f"{holder.__module__}.{holder.__qualname__}"
        for value in holder.__defaults__ or ():
            yield from _leftover(value, f"a default of {where}")
        for value in (holder.__kwdefaults__ or {}).values():
            yield from _leftover(value, f"a default of {where}")
        for cell in holder.__closure__ or ():
            try:
                yield from _leftover(cell.cell_contents, f"the closure of {where}")
            except ValueError:  # empty
                continue
    elif isinstance(holder, type):
        for base in holder.__bases__:
            yield from _leftover(base, f"the subclass {holder.__module__}.{holder.__qualname__}")
    elif isinstance(holder, MethodType):
        yield from _leftover(holder.__func__, f"a method of {type(holder.__self__).__qualname__}")
    else:
        values = getattr(holder, "__dict__", None) if not isinstance(holder, ModuleType) else None
        if isinstance(values, dict):
            for key, value in list(values.items()):
                kind = type(holder)
                yield from _leftover(value, f"{key!r} of an instance of {kind.__module__}.{kind.__qualname__}")


def _leftover(value: Any, holder: str) -> Iterator[Leftover]:
    exchange = _followed.get(id(value))
    if exchange is not None and exchange[2] is value:
        yield Leftover(f"{exchange[0]}.{exchange[1]}", holder)


def _module_of(holder: Any) -> str:
    name = getattr(holder if isinstance(holder, (FunctionType, type)) else type(holder), "__module__", None)
    return name if isinstance(name, str) else ""
