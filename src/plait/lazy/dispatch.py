"""Dispatch: a function with one handler a type, found along the class hierarchy of its first argument.

Handlers for the types of another package may be registered late: `register_lazy("numpy", register)` runs `register`
when the first object of that package is seen, so that nobody pays for packages that are not used. Cost: two dictionary
look-ups a call; a walk of the hierarchy once for each further type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Handler = Callable[..., Any]


class Dispatch:
    """A callable that gives its arguments to the handler of its first argument's type.

    name: what the function is called; its docstring is that of the handler of object.
    """

    def __init__(self, name: str | None = None) -> None:
        self._lookup: dict[type, Handler] = {}
        self._lazy: dict[str, Callable[[], object]] = {}  # package -> what registers the handlers of its types
        self._inherited: dict[type, Handler] = {}  # found by a walk; empty after every registration
        if name is not None:
            self.__name__ = name

    def register(self, type: type | tuple[type, ...], func: Handler | None = None) -> Handler:
        """Make `func` the handler of a type, or of several; without it, a decorator."""
        if func is None:
            return lambda handler: self.register(type, handler)
        for each in type if isinstance(type, tuple) else (type,):
            self._lookup[each] = func
            if each is object:
                self.__doc__ = func.__doc__
        self._inherited.clear()
        return func

    def register_lazy(self, toplevel: str, func: Callable[[], object] | None = None) -> Callable[..., Any]:
        """Have `func` called when a type of the package `toplevel` is seen first; without it, a decorator."""
        if func is None:
            return lambda registration: self.register_lazy(toplevel, registration)
        self._lazy[toplevel] = func
        self._inherited.clear()
        return func

    def dispatch(self, cls: type) -> Handler:
        """The handler of a type: its own, or that of the nearest class above it. Raises TypeError without one."""
        found = self._lookup.get(cls) or self._inherited.get(cls)
        return found or self._search(cls)

    def _search(self, cls: type) -> Handler:
        for each in cls.__mro__:
            package = each.__module__.partition(".")[0]
            registration = self._lazy.get(package) if each not in self._lookup else None
            if registration is not None:
                registration()
                self._lazy.pop(package, None)  # after it, so that one that failed is tried again
            found = self._lookup.get(each)
            if found is not None:
                self._inherited[cls] = found
                return found
        raise TypeError(f"no handler for {cls}; register one for it, or for object")

    def __call__(self, arg: Any, *args: Any, **kwargs: Any) -> Any:
        cls = type(arg)
        handler = self._lookup.get(cls) or self._inherited.get(cls) or self._search(cls)
        return handler(arg, *args, **kwargs)
