"""The finder: answers imports of the peers' names from their tables.

It stands first in sys.meta_path while any peer is installed. A name of an installed peer is answered by its row; one
that has no row may be answered by another finder that somebody put into sys.meta_path for it (a test runner, say), but
never by a search of folders, which would find the real library, or plait's own files a second time. What nobody answers
is a NotProvidedError.

Loading leaves plait's module as it is. The import system writes the alias's spec into the module that it gets, and the
loader at once writes its own back. Rejected: exchanging the module in sys.modules once it is loaded, since a thread
that waits for the import then returns with the one that was there before.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder

from plait.compat.errors import NotProvidedError
from plait.compat.lending import lend
from plait.compat.rows import Face, Made, Peer, Row, Same, fetch, put

TYPE_CHECKING = False  # these, importlib.abc and importlib.util cost more than the rest of a child's start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.metadata import Distribution, DistributionFinder
    from types import CodeType, ModuleType


class AliasFinder:
    """Finds the modules, and the metadata, of the peers in `peers`, by their names and those that go with them.

    `plait.compat.aliases` alone changes it.
    """

    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        peer = self.peers.get(fullname.partition(".")[0])
        if peer is None:
            return None
        row = peer.row(fullname)
        if row is not None:
            return _spec(fullname, peer, row)
        found = self._ask_others(fullname, path, target)
        if found is None:
            raise NotProvidedError(
                f"plait provides no counterpart of {fullname}, and stands in for all of {peer.name}; "
                f"run without --as {peer.name} (or without compat.install({peer.name!r})) to have the real one"
            )
        return found

    def _ask_others(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and finder is not PathFinder:
                found = finder.find_spec(fullname, path, target)
                if found is not None:
                    return found
        return None

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        """importlib.metadata's protocol: the peers' distributions, all of them or the one that the context names."""
        from plait.compat.distributions import find

        return find(set(self.peers.values()), None if context is None else context.name)


# The specs of plait's modules that have an alias, from before the import system wrote the alias's into them.
_own_specs: dict[ModuleType, ModuleSpec | None] = {}


class AliasLoader:
    """Loads one row of a table. Has the methods of importlib.abc.InspectLoader, for `python -m`."""

    def __init__(self, alias: str, peer: Peer, row: Row) -> None:
        self._alias = alias
        self._peer = peer
        self._row = row

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Plait's module, or one that is made; None for a face, which the import system makes."""
        if isinstance(self._row, Made):
            made: ModuleType = fetch(self._row.function)(self._alias)  # type: ignore[operator]
            return made
        if not isinstance(self._row, Same):
            return None
        module = import_module(self._row.module)
        _own_specs.setdefault(module, module.__spec__)
        lend(module, {name: fetch(place) for name, place in self._row.lends.items()})
        if spec.submodule_search_locations is not None:
            lend(module, {"__path__": []})
        return module

    def exec_module(self, module: ModuleType) -> None:
        if isinstance(self._row, Same):
            module.__spec__ = _own_specs[module]
        elif isinstance(self._row, Face):
            _fill(module, self._row)
        parent, _, child = self._alias.rpartition(".")
        if parent:
            lend(sys.modules[parent], {child: module})
        elif self._alias == self._peer.name:
            lend(module, {"__version__": self._peer.version})
            self._load_submodules(module)

    def _load_submodules(self, module: ModuleType) -> None:
        """Import what the library itself imports. A function called like its submodule (dask.delayed) hides that."""
        for name in self._peer.loads:
            child = name.rpartition(".")[2]
            submodule = import_module(name)
            if isinstance(self._row, Face) and child in self._row.names:
                module.__dict__[child] = fetch(self._row.names[child])
            else:
                lend(module, {child: submodule})

    def is_package(self, fullname: str) -> bool:
        return self._peer.is_package(fullname)

    def get_code(self, fullname: str) -> CodeType | None:
        own = _own_spec(self._row)
        return None if own is None else getattr(own.loader, "get_code", _no_code)(own.name)

    def get_source(self, fullname: str) -> str | None:
        own = _own_spec(self._row)
        return None if own is None else getattr(own.loader, "get_source", _no_code)(own.name)


def _no_code(name: str) -> None:
    """For a module whose loader keeps no code."""


def _own_spec(row: Row) -> ModuleSpec | None:
    """The spec of plait's module; None for a face, which no file holds."""
    if not isinstance(row, Same):
        return None
    from importlib.util import find_spec  # takes longer than the rest of `import gevent` would without

    return find_spec(row.module)


def _spec(fullname: str, peer: Peer, row: Row) -> ModuleSpec:
    own = _own_spec(row)
    loader = AliasLoader(fullname, peer, row)  # has the methods without the base class
    spec = ModuleSpec(fullname, loader, is_package=peer.is_package(fullname))  # type: ignore[arg-type]
    if own is None:  # what a face is made of stands in its table
        spec.origin = import_module(f"plait.compat.tables.{peer.name}").__file__
        spec.has_location = True
    else:
        spec.origin = own.origin
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.extend(own.submodule_search_locations or ())
    return spec


def _fill(module: ModuleType, face: Face) -> None:
    """Give a face its names, each fetched when it is asked for and kept."""

    def get(name: str) -> object:
        if name in face.slots:
            return fetch(face.slots[name])
        if name in face.submodules:
            return import_module(f"{module.__name__}.{name}")
        if name not in face.names:
            raise AttributeError(f"plait provides no counterpart of {module.__name__}.{name}")
        value = fetch(face.names[name])
        module.__dict__[name] = value
        return value

    module.__dict__.update(
        __doc__=f"What plait provides of {module.__name__}.",
        __all__=[name for name in (*face.names, *face.slots) if not name.startswith("_")],
        __getattr__=get,
        __dir__=lambda: sorted({*module.__dict__, *face.names, *face.slots, *face.submodules}),
    )
    if face.slots:
        module.__class__ = _with_slots(face)


def _with_slots(face: Face) -> type[ModuleType]:
    """The class of a face's module: what programs set there is set at its place."""

    def set_attribute(module: ModuleType, name: str, value: object) -> None:
        if name in face.slots:
            put(face.slots[name], value)
        else:
            object.__setattr__(module, name, value)

    return type("Face", (type(sys),), {"__setattr__": set_attribute})
