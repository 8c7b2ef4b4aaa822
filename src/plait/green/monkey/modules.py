"""Patching one module: which names of it are exchanged, the events around that, and what follows it up.

A source module says what it implements in `__implements__`, names of the module that it is named after, or of the one
that its `__target__` names. Functions in it may take part:

    _gevent_will_monkey_patch(target, items, warn)   before; may change the list items, or raise DoNotPatch
    _gevent_did_monkey_patch(target, items, warn)    after

(the names that plugins of gevent's kind use). Our own modules may have `__removes__`, names that have no cooperative
counterpart and are taken away under `aggressive`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from plait.green import events
from plait.green.monkey import state
from plait.green.monkey.errors import BadImplements, Warnings

__all__ = ["notify", "patch_green_module", "patch_module", "unless_vetoed"]

P = ParamSpec("P")
T = TypeVar("T")


def patch_module(
    target_module: ModuleType,
    source_module: ModuleType,
    items: Iterable[str] | None = None,
    _warnings: Warnings | None = None,
) -> bool:
    """Put items of source_module in place of those of target_module; False where a subscriber vetoed it.

    items: names; by default what source_module implements. Raises AttributeError where it does not say.
    """
    names = list(_implemented(source_module) if items is None else items)
    warnings = Warnings() if _warnings is None else _warnings
    try:
        _call_hook("will", source_module, target_module, names, warnings)
        notify(events.GeventWillPatchModuleEvent(target_module.__name__, source_module, target_module, names))
    except events.DoNotPatch:
        return False
    for name in names:
        state.patch_item(target_module, name, getattr(source_module, name))
    _call_hook("did", source_module, target_module, names, warnings)
    notify(events.GeventDidPatchModuleEvent(target_module.__name__, source_module, target_module))
    if _warnings is None:
        warnings.show()
    return True


def patch_green_module(
    name: str, warnings: Warnings | None = None, *, items: Iterable[str] | None = None, aggressive: bool = False
) -> bool:
    """Patch the standard library's module that plait.green.NAME stands for; False where a subscriber vetoed it."""
    source = import_module(f"plait.green.{name}")
    target = import_module(getattr(source, "__target__", name))
    if not patch_module(target, source, items, warnings):
        return False
    if aggressive:
        for item in getattr(source, "__removes__", ()):
            state.remove_item(target, item)
    return True


def notify(event: Any) -> None:
    events.notify_and_call_entry_points(event)


def unless_vetoed(function: Callable[P, T]) -> Callable[P, T | bool]:
    """A DoNotPatch that a subscriber raises ends the function, which returns False then."""

    @functools.wraps(function)
    def patch(*args: P.args, **kwargs: P.kwargs) -> T | bool:
        try:
            return function(*args, **kwargs)
        except events.DoNotPatch:
            return False

    return patch


def _implemented(source: ModuleType) -> Iterable[str]:
    names: Iterable[str] | None = getattr(source, "__implements__", None)
    if names is None:
        raise BadImplements(f"{source!r} has no list __implements__ of the names to patch; add it, or pass items=")
    return names


def _call_hook(moment: str, source: ModuleType, target: ModuleType, items: list[str], warnings: Warnings) -> None:
    hook = source.__dict__.get(f"_gevent_{moment}_monkey_patch")
    if hook is not None:
        hook(target, items, warnings.append)
