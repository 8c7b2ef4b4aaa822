"""gevent._util: attributes computed once, and copies of modules' names."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import WRAPPER_ASSIGNMENTS as WRAPPER_ASSIGNMENTS
from functools import WRAPPER_UPDATES as WRAPPER_UPDATES
from functools import update_wrapper as update_wrapper
from types import ModuleType
from typing import Any

_NONE: Any = object()  # an argument that was not given
_DUNDERS = ("__implements__", "__all__", "__imports__")


class Lazy:
    """A method whose first result becomes the instance's attribute."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self._func = func
        update_wrapper(self, func)  # type: ignore[arg-type]  # not called itself

    def __get__(self, inst: Any, owner: type) -> Any:
        if inst is None:
            return self
        value = inst.__dict__[self._func.__name__] = self._func(inst)
        return value


class LazyOnClass:
    """A method whose first result becomes the class's attribute."""

    def __init__(self, func: Callable[[Any], Any], name: str | None = None) -> None:
        self._func = func
        self._name = name or func.__name__

    @classmethod
    def lazy(cls, cls_dict: dict[str, Any], func: Callable[[Any], Any]) -> None:
        cls_dict[func.__name__] = cls(func)

    def __get__(self, inst: Any, owner: type) -> Any:
        if inst is None:
            return self
        value = self._func(inst)
        setattr(owner, self._name, value)
        return value


class readproperty:
    """A method read as an attribute, until one of that name is assigned."""

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self.func = func
        update_wrapper(self, func)  # type: ignore[arg-type]  # not called itself

    def __get__(self, inst: Any, owner: type) -> Any:
        return self if inst is None else self.func(inst)


def copy_globals(
    source: ModuleType,
    globs: dict[str, Any],
    only_names: Iterable[str] | None = None,
    ignore_missing_names: bool = False,
    names_to_ignore: Iterable[str] = (),
    dunder_names_to_keep: Iterable[str] = _DUNDERS,
    cleanup_globs: bool = True,
) -> list[str]:
    """Put names of a module into `globs`; returns those that were copied. Dunder names are left out but for a few."""
    left_out = set(names_to_ignore)
    kept = set(dunder_names_to_keep)
    copied = []
    for name, value in _named(source, only_names, ignore_missing_names):
        if name not in left_out and (not name.startswith("__") or name in kept):
            globs[name] = value
            copied.append(name)
    if cleanup_globs:
        globs.pop("copy_globals", None)
    return copied


def _named(source: ModuleType, names: Iterable[str] | None, forgiving: bool) -> Iterator[tuple[str, Any]]:
    if names is None:
        yield from list(vars(source).items())
        return
    for name in names:
        if not forgiving or hasattr(source, name):
            yield name, getattr(source, name)


def gmctime() -> str:
    """The time of day in RFC 3339's form."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
