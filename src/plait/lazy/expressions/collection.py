"""What arrays and dataframes have in common: they hold an expression, are computed, persisted, drawn and explained, and
speak the collection protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

from plait.lazy.awaiting import wait_for
from plait.lazy.blocks import nested
from plait.lazy.computing import compute, persist
from plait.lazy.containers import ensure_dict
from plait.lazy.expressions.expression import Expression
from plait.lazy.expressions.plans import plan
from plait.lazy.gets import get_threads
from plait.lazy.plain import nodes_of
from plait.lazy.protocol import flatten, gathered

Self = TypeVar("Self", bound="Collection")


class Collection:
    """An expression as a value that users hold. A family says how blocks make a value, and what is made of nodes."""

    expr: Any  # Expression of the family

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # what the family adds

    @property
    def name(self) -> str:
        """The start of the keys of its blocks."""
        return self.expr.name

    def compute(self, **options: Any) -> Any:
        """The value. options: as of `plait.lazy.compute`."""
        return compute(self, **options)[0]

    def persist(self: Self, **options: Any) -> Self:
        """The same, with its blocks computed now and held."""
        persisted: Self = persist(self, **options)[0]
        return persisted

    def __await__(self: Self) -> Generator[Any, None, Self]:
        return wait_for(self, [plan(self.expr)])

    def visualize(self, filename: str | None = "mydask", format: str | None = None, **options: Any) -> Any:
        """Draw the graph, as it was built. Parameters as of `plait.lazy.visualize`."""
        from plait.lazy.drawing import visualize

        return visualize(self, filename=filename, format=format, **options)

    def explain(self, optimize: bool = True) -> str:
        """The plan that computing it would run, one operation a line, inputs below. optimize=False: as it was built."""
        from plait.lazy.expressions.showing import explained

        return explained(self.expr, optimize)

    def __plait_node__(self) -> Any:
        """A node that gives the value, for arguments of others."""
        return gathered(self, plan(self.expr), list(flatten(self.__dask_keys__())))

    # The collection protocol, see `plait.lazy.protocol`.

    def __dask_graph__(self) -> Mapping[Any, Any]:
        from plait.lazy.expressions.showing import layered

        return layered(self.expr)

    @property
    def dask(self) -> Any:
        """The graph, in layers."""
        return self.__dask_graph__()

    def __dask_keys__(self) -> list[Any]:
        numblocks = self.expr.numblocks
        keys = [(self.expr.name, *index) for index in product(*map(range, numblocks))]
        return nested(keys, numblocks) if numblocks else keys

    def __dask_layers__(self) -> tuple[Any, ...]:
        return (self.expr.name,)

    def __dask_tokenize__(self) -> Any:
        return self.expr.name

    __dask_scheduler__ = staticmethod(get_threads)

    @staticmethod
    def __dask_optimize__(graph: Mapping[Any, Any], keys: Any, **options: Any) -> Mapping[Any, Any]:
        from plait.lazy.graphs.culling import cull

        return cull(ensure_dict(graph), list(flatten(keys)))[0]

    def __dask_postpersist__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._rebuilt, ()

    def _rebuilt(self: Self, graph: Mapping[Any, Any], *, rename: Mapping[str, str] | None = None) -> Self:
        """The same collection of a graph of its blocks, perhaps under another name."""
        name = (rename or {}).get(self.expr.name, self.expr.name)
        keys = [(name, *index) for index in product(*map(range, self.expr.numblocks))]
        nodes = nodes_of(ensure_dict(graph), keys)
        return self._of_nodes([nodes[key] for key in keys], name)

    def _of_nodes(self: Self, nodes: list[Any], name: str) -> Self:
        """A collection like this one whose blocks are these nodes, in order."""
        raise NotImplementedError


def expressions_of(values: Any) -> Any:
    """The expression of a collection; any other value as it is."""
    return values.expr if isinstance(values, Collection) else values


__all__ = ["Collection", "Expression", "expressions_of"]
