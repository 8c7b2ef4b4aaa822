"""Proxies: the child's modules, classes, functions and objects as they look here.

A class here has the names and the bases that the library's has, so isinstance() and dir() answer as there; its methods
are calls. Exceptions and enumerations are real classes, since they are caught and compared here. An object is one proxy
as long as anybody here holds it; then the child lets go of it too.

A class that a user derives from one of these is the user's: its objects live here, and travel by value.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from types import MethodType, ModuleType
from typing import Any
from weakref import WeakValueDictionary

from plait._base import natives
from plait.adapters.child import serve, wire
from plait.adapters.child.channel import Child, home

_guard = natives.allocate_lock()


def child() -> Child:
    """The child, started if there is none."""
    return home.child(_reduce)


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call gives or raises in the child."""
    return child().call(function, *args, **kwargs)


def _reduce(item: Any) -> Any:
    """How what goes to the child is pickled: what stands for something there, as that."""
    if isinstance(item, Remote):
        number = item.__dict__.get("_plait_number")
        return NotImplemented if number is None else (wire.meant, ("kept", number))
    if isinstance(item, MethodType) and isinstance(item.__self__, Remote) and "_plait_number" in item.__self__.__dict__:
        return getattr, (item.__self__, item.__name__)
    if isinstance(item, RemoteFunction | RemoteModule):
        return wire.meant, ("named", *item.__dict__["_plait_place"])
    if isinstance(item, type):
        place = ("builtins", "type") if item is RemoteClass else item.__dict__.get("_plait_place")
        return NotImplemented if place is None else (wire.meant, ("named", *place))
    if isinstance(item, enum.Enum) and "_plait_place" in type(item).__dict__:
        return getattr, (type(item), item.name)
    return NotImplemented


# -- objects -----------------------------------------------------------------------------------------------------


class RemoteClass(type):
    """The class of classes of the child."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_plait_place" in cls.__dict__:
            return call(cls, *args, **kwargs)
        return super().__call__(*args, **kwargs)  # a user's, derived from one


class Remote(metaclass=RemoteClass):
    """An object of the child, or of a user's class derived from one of the child's."""

    def __getattr__(self, name: str) -> Any:
        if "_plait_number" not in self.__dict__ or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return call(getattr, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_plait_number" in self.__dict__:
            call(setattr, self, name, value)
        else:
            object.__setattr__(self, name, value)

    def __del__(self) -> None:
        about = self.__dict__
        if "_plait_number" in about:
            about["_plait_child"].dropped.append((about["_plait_number"], about["_plait_came"]))


_objects: WeakValueDictionary[tuple[int, int], Remote] = WeakValueDictionary()


def referred(module: str, name: str, number: int) -> Any:
    """In messages from the child: the proxy of an object there, which is of that class."""
    holder = child()
    kind = _made.get((module, name))
    if kind is None:
        kind = _make_class(holder.call(serve.describe_class, number))
    with _guard:
        proxy = _objects.get((holder.pid, number))
        if proxy is None:
            proxy = object.__new__(kind)
            proxy.__dict__.update(_plait_number=number, _plait_came=0, _plait_child=holder)
            _objects[holder.pid, number] = proxy
        proxy.__dict__["_plait_came"] += 1
    return proxy


# -- classes -----------------------------------------------------------------------------------------------------

_made: dict[tuple[str, str], Any] = {}


def _make_class(about: dict[str, Any]) -> Any:
    """A class of a description."""
    place = about["module"], about["name"]
    if place in _made:
        return _made[place]
    body = {
        "__module__": about["module"],
        "__qualname__": about["name"],
        "__doc__": about["doc"],
        "_plait_place": place,
    }
    name = about["name"].rpartition(".")[2]
    if about["kind"] == "enum":
        made: Any = _enumeration(name, about)
        made._plait_place = place
    elif about["kind"] == "exception":
        made = type(name, tuple([named(*base) for base in about["bases"]]), {**body, "__str__": _told})
    else:
        for each, kind in about["names"].items():
            body[each] = _attribute(place, each, kind)
        made = RemoteClass(name, tuple([named(*base) for base in about["bases"]]) or (Remote,), body)
    return _made.setdefault(place, made)


def _enumeration(name: str, about: dict[str, Any]) -> Any:
    make: Any = enum.Enum
    return make(name, about["members"], module=about["module"], qualname=about["name"])


def _attribute(place: tuple[str, str], name: str, kind: str) -> Any:
    if name == "__await__":
        return _await
    if name in ("__exit__", "__aexit__"):
        return _leave(name)
    if kind == "method":
        return _method(name)
    if kind == "static":
        return staticmethod(RemoteFunction(place[0], f"{place[1]}.{name}"))
    return property(lambda self: call(getattr, self, name), lambda self, value: call(setattr, self, name, value))


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call(serve.method, self, name, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    return method


def _leave(name: str) -> Callable[..., Any]:
    def leave(self: Any, *exc_info: Any) -> Any:
        return call(serve.method, self, name, None, None, None)  # tracebacks stay here

    return leave


def _await(self: Any) -> Generator[Any, None, Any]:
    return child().awaited(self)


def raised(module: str, name: str, args: tuple[Any, ...], state: dict[str, Any], text: str) -> BaseException:
    """In messages from the child: an exception of one of the library's classes, which says that text."""
    kind = named(module, name)
    error: BaseException = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state, _plait_text=text)
    return error


def _told(error: BaseException) -> str:
    text: str | None = error.__dict__.get("_plait_text")
    return BaseException.__str__(error) if text is None else text


# -- functions and modules ---------------------------------------------------------------------------------------


class RemoteFunction:
    """A function of the child."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__ = module
        self.__name__ = self.__qualname__ = name
        self._plait_place = (module, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call(self, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<function {self.__module__}.{self.__name__} of process {child().pid}>"


class RemoteModule(ModuleType):
    """A module of the child. Its names are asked for when they are used, and kept where they are no values."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._plait_place = (name, "")

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":  # without a child: it is asked for by programs that have no client
            from importlib.metadata import version

            return version(self.__name__.partition(".")[0])
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return named(self.__name__, name)

    def __dir__(self) -> list[str]:
        names: list[str] = call(dir, self)
        return names


def named(module: str, name: str) -> Any:
    """What a module of the child has under a name, or the module itself."""
    if (module, name) in _made:
        return _made[module, name]
    if not name:
        return _made.setdefault((module, name), RemoteModule(module))
    if module == "builtins":
        import builtins

        return getattr(builtins, name)
    about = call(serve.describe, module, name)
    kind = about["kind"]
    if kind == "value":
        return call(serve.named, module, name)
    if kind == "module":
        made: Any = named(about["module"], "")
    elif kind == "function":
        made = RemoteFunction(about["module"], about["name"])
    else:
        made = _make_class(about)
    return _made.setdefault((module, name), made)


wire.meanings.update(named=named, referred=referred, raised=raised)
