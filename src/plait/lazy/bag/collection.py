"""What bags and their items have in common: they are computed and persisted, and speak the collection protocol."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from plait.lazy.awaiting import wait_for
from plait.lazy.bag.fusing import register
from plait.lazy.bag.layers import Layer, given
from plait.lazy.computing import compute, persist
from plait.lazy.containers import ensure_dict
from plait.lazy.gets import get_processes
from plait.lazy.plain import nodes_of
from plait.lazy.protocol import gathered

Self = TypeVar("Self", bound="Collection")

register()


class Collection:
    """Some lazy nodes of one layer, as a collection."""

    _layer: Layer

    @classmethod
    def _of(cls: type[Self], layer: Layer) -> Self:
        collection = cls.__new__(cls)
        collection._layer = layer
        return collection

    @property
    def name(self) -> Any:
        return self._layer.name

    def compute(self, **options: Any) -> Any:
        """The value. options: as of `plait.lazy.compute`; without a scheduler, "processes"."""
        return compute(self, **options)[0]

    def persist(self: Self, **options: Any) -> Self:
        """The same, with its parts computed now."""
        persisted: Self = persist(self, **options)[0]
        return persisted

    def __await__(self: Self) -> Generator[Any, None, Self]:
        return wait_for(self, self._layer.nodes)

    def visualize(self, filename: str | None = "mydask", format: str | None = None, **options: Any) -> Any:
        """Draw the graph, as it was built. Parameters as of `plait.lazy.visualize`."""
        from plait.lazy.drawing import visualize

        return visualize(self, filename=filename, format=format, **options)

    def __plait_node__(self) -> Any:
        """A node that gives the value, for arguments of others."""
        return gathered(self, self._layer.nodes, self.__dask_keys__())

    # The collection protocol, see `plait.lazy.protocol`.

    def __dask_graph__(self) -> Mapping[Any, Any]:
        from plait.lazy.bag.layer_graphs import layered

        return layered(self._layer)

    dask = property(__dask_graph__)

    def __dask_keys__(self) -> list[Any]:
        return self._layer.keys

    def __dask_layers__(self) -> tuple[Any, ...]:
        return (self._layer.name,)

    def __dask_tokenize__(self) -> Any:
        return self._layer.name

    # Where nothing else is said: elements are Python objects, handled by Python functions.
    __dask_scheduler__ = staticmethod(get_processes)

    @staticmethod
    def __dask_optimize__(graph: Mapping[Any, Any], keys: Any, **options: Any) -> Mapping[Any, Any]:
        from plait.lazy.bag.layer_graphs import optimized

        return optimized(graph, keys, **options)

    def __dask_postpersist__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._rebuild, ()

    def _rebuild(self: Self, graph: Mapping[Any, Any], *, rename: Mapping[str, str] | None = None) -> Self:
        """The same collection of a graph of its parts, perhaps under another name."""
        return self._of(
            layer_of(graph, (rename or {}).get(self.name, self.name), self._layer.count, self._layer.single)
        )


def layer_of(graph: Mapping[Any, Any], name: Any, count: int, single: bool = False) -> Layer:
    """The layer of that name in a plain graph."""
    keys = [name] if single else [(name, i) for i in range(count)]
    nodes = nodes_of(ensure_dict(graph), keys)
    return given([nodes[key] for key in keys], name, single)
