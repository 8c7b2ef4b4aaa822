"""Engines: who computes a graph outside of this process's pool.

An engine takes an arena and gives the values of its outputs. Those that there are live in `plait.adapters`; here they
are known by name alone, and imported when one is asked for:

    a client of `distributed`       its cluster
    "distributed"                   the cluster of the client that is open
    "ray"                           Ray, started where it is not running
    no scheduler asked, none set    the cluster of the client that is open, if there is one

Cost where none is asked for: some dictionary lookups.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.lazy._native.arena import Arena


class Engine(ABC):
    """Computes graphs, with all that they need, elsewhere."""

    @property
    def get(self) -> Any:
        """A function get(graph, keys) of the cluster's own; None where it has none."""
        return None

    @abstractmethod
    def compute(self, arena: Arena, options: Mapping[str, Any]) -> list[Any]:
        """The values of the arena's outputs, in their order. options: what compute() was given beside its own."""

    @abstractmethod
    def persist(self, arena: Arena, options: Mapping[str, Any]) -> list[Any]:
        """What stands for the outputs' values in graphs that this engine computes later. Does not wait."""


# What a scheduler is called, or the package of its class -> module with engine(scheduler), default()
_PLACES = {
    "distributed": "plait.adapters.distributed.clients",
    "dask.distributed": "plait.adapters.distributed.clients",
    "ray": "plait.adapters.ray",
}
# Imported by whoever has opened a client.
_OPENS = ("distributed", "dask.distributed")


def engine(asked: Any) -> Engine | None:
    """The engine that a scheduler names or is; None for any other. Raises ImportError where its package is missing."""
    if isinstance(asked, Engine):
        return asked
    name = asked.lower() if isinstance(asked, str) else _package(type(asked))
    place = _PLACES.get(name)
    return None if place is None else import_module(place).engine(asked)


def default() -> Engine | None:
    """The engine of a client that is open; None where there is none."""
    if not any(name in sys.modules for name in _OPENS):
        return None
    return import_module(_PLACES["distributed"]).default()  # type: ignore[no-any-return]


def is_future(value: Any) -> bool:
    """Whether a value stands for one that a cluster has or computes: it has a key there, and can be awaited."""
    return bool(_package(type(value))) and hasattr(type(value), "add_done_callback")


def _package(kind: type) -> str:
    """The package that a class, or a class that it is made from, is of, if engines come from there."""
    packages = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((name for name in packages if name in _PLACES), "")
