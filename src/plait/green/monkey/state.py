"""What was patched: the originals, by module and name, and how an item is exchanged.

`saved` maps a module's name to {item: original}; the first original stays, however often an item is exchanged.
`exchanged` notes the exchanges that `rebinding` has not followed up yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = [
    "exchanged",
    "get_original",
    "is_anything_patched",
    "is_module_patched",
    "is_object_patched",
    "patch_item",
    "remove_item",
    "saved",
]

saved: dict[str, dict[str, Any]] = {}
exchanged: list[tuple[str, str, Any, Any]] = []  # module, item, old, new

_MISSING: Any = object()


def patch_item(module: ModuleType, attr: str, newitem: Any) -> None:
    """module.attr = newitem, keeping the original."""
    olditem = module.__dict__.get(attr, _MISSING)
    if olditem is newitem:
        return
    if olditem is not _MISSING:
        saved.setdefault(module.__name__, {}).setdefault(attr, olditem)
        exchanged.append((module.__name__, attr, olditem, newitem))
    setattr(module, attr, newitem)


def remove_item(module: ModuleType, attr: str) -> None:
    """Take module.attr away, keeping the original. Nothing where it is not there."""
    olditem = module.__dict__.get(attr, _MISSING)
    if olditem is not _MISSING:
        saved.setdefault(module.__name__, {}).setdefault(attr, olditem)
        delattr(module, attr)


def get_original(mod_name: str | Sequence[str], item_name: str | Sequence[str]) -> Any:
    """The item as it was before patching, or as it is where it was not patched.

    mod_name: a module's name, or several, of which the first that can be imported counts. item_name: an item's name, or
    several, for which a list is returned.
    """
    names = [mod_name] if isinstance(mod_name, str) else list(mod_name)
    for name in names:
        try:
            module = import_module(name)
        except ImportError:
            if name == names[-1]:
                raise
            continue
        originals = saved.get(name, {})
        if isinstance(item_name, str):
            return originals[item_name] if item_name in originals else getattr(module, item_name)
        return [originals[item] if item in originals else getattr(module, item) for item in item_name]
    raise ValueError(f"mod_name={mod_name!r} names no module; give the name of one")


def is_module_patched(mod_name: str) -> bool:
    """Whether anything in the module was patched."""
    return mod_name in saved


def is_object_patched(mod_name: str, item_name: str) -> bool:
    """Whether that item of the module was patched."""
    return item_name in saved.get(mod_name, ())


def is_anything_patched() -> bool:
    """Whether anything was patched in this process."""
    return bool(saved)
