"""The rows of a peer's table: what answers for each of its modules.

A place is "module" or "module:attribute", named as a string, so that a table costs nothing until one of its names is
imported. A table holds names; what they name is made in the layers. Plain classes: every child process that has the
aliases imports this as it starts, and `dataclasses` or `typing` would take longer than all the rest.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Same:
    """The counterpart is exact: plait's own module, the one object under both names.

    lends: attributes that the peer's module has and plait's has not, name -> place. They are set on plait's module
    while the alias holds; one that it has already stays as it is.
    """

    def __init__(self, module: str, lends: Mapping[str, str] | None = None) -> None:
        self.module = module
        self.lends = lends or {}


class Face:
    """No one module of plait has these names: a module of names, each fetched from its place when it is asked for.

    submodules: those that are attributes without being imported, since the library imports them by itself; here each is
    imported when it is asked for.
    slots: names that programs set to change what the library does, name -> place. They are read from the place, and set
    there, every time.
    """

    def __init__(
        self, names: Mapping[str, str], submodules: tuple[str, ...] = (), slots: Mapping[str, str] | None = None
    ) -> None:
        self.names = names
        self.submodules = submodules
        self.slots = slots or {}


class Made:
    """A function makes this module, and every one below it, of the full name: `function` is its place."""

    def __init__(self, function: str) -> None:
        self.function = function


Row = Same | Face | Made


class Peer:
    """One library that plait stands in for.

    version: the release that plait matches, which `__version__` and importlib.metadata answer.
    modules: full module name -> row; a module that is not in it has no counterpart.
    loads: submodules that importing the library itself imports, so that they are attributes of it.
    also: other top-level names that are answered with it, by a function; and modules below them that have another row.
    """

    def __init__(
        self,
        name: str,
        version: str,
        summary: str,
        modules: Mapping[str, Row],
        loads: tuple[str, ...] = (),
        also: Mapping[str, Row] | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.summary = summary
        self.modules = modules
        self.loads = loads
        self.also = also or {}

    def row(self, module: str) -> Row | None:
        """What answers for a module: its own row, or the function that makes one above it."""
        row = self.modules.get(module) or self.also.get(module)
        while row is None and "." in module:
            module = module.rpartition(".")[0]
            row = self.modules.get(module) or self.also.get(module)
            if not isinstance(row, Made):
                row = None
        return row

    def is_package(self, module: str) -> bool:
        """Whether the table has modules below this one; the library itself always is one."""
        return (
            module == self.name
            or isinstance(self.row(module), Made)
            or any(name.startswith(f"{module}.") for name in self.modules)
        )


def put(place: str, value: object) -> None:
    """Set the attribute that a place names."""
    module, _, attribute = place.partition(":")
    owner, _, name = attribute.rpartition(".")
    setattr(fetch(f"{module}:{owner}"), name, value)


def fetch(place: str) -> object:
    """The module or attribute that a place names."""
    module, _, attribute = place.partition(":")
    value: object = import_module(module)
    for name in attribute.split(".") if attribute else ():
        value = getattr(value, name)
    return value
