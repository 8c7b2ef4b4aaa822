"""The collection protocol: how objects of other libraries hold graphs, and how ours show theirs.

An object is a collection if it has __dask_graph__() (a plain graph, see `plain`), __dask_keys__() (its outputs, in
nested lists) and __dask_postcompute__() (what makes a value of their results, and further arguments of that); for
persist() also __dask_postpersist__(), which makes a collection of a graph of results. __dask_optimize__(graph, keys)
may give a better graph. xarray, dask-geopandas and others have it; `Delayed` and the collections of this package too.

A foreign collection takes part as one node, which makes its value of its outputs' nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from plait.lazy._native.nodes import Node, make_as
from plait.lazy.key_names import name_of
from plait.lazy.plain import Literal, nodes_of


def is_dask_collection(x: Any) -> bool:
    """Whether `x` is a collection, ours or another library's, that has a graph now."""
    method = getattr(type(x), "__dask_graph__", None)
    if method is None or isinstance(x, type):
        return False
    return isinstance(x, Node) or x.__dask_graph__() is not None


class Foreign(Node):
    """A collection of another library as a node, which gives its value."""

    __slots__ = ("collection", "keys", "layered")
    _kind = 0

    collection: Any
    keys: list[Any]  # of its outputs, in the order of the node's inputs
    layered: bool  # the outputs are one layer of blocks, the node's only input, see `blocks`

    def results(self, values: list[Any]) -> dict[Any, Any]:
        """{key: value} of the outputs, given the values of the node's inputs."""
        return dict(zip(self.keys, values[0] if self.layered else values, strict=True))

    def __dask_tokenize__(self) -> Any:
        return self.collection

    def finished(self, values: list[Any]) -> Any:
        """The collection's value, of those of its outputs."""
        args, _ = self._filled(values)
        return _finished(*args)

    @property
    def persisted(self) -> Any:
        """What makes a collection of {key: value of its outputs}."""
        rebuild, further = self.collection.__dask_postpersist__()
        return lambda values: rebuild(values, *further)


def node_of(collection: Any) -> Node | None:
    """A node that gives the value of a collection; None where it has no graph now. One of ours knows its own node."""
    own = getattr(type(collection), "__plait_node__", None)
    if own is not None:
        return own(collection)  # type: ignore[no-any-return]
    graph = collection.__dask_graph__()
    if graph is None:
        return None
    keys = collection.__dask_keys__()
    optimize = getattr(collection, "__dask_optimize__", None)
    if optimize is not None:
        graph = optimize(graph, keys)
    finish, further = collection.__dask_postcompute__()
    flat = list(flatten(keys))
    nodes = nodes_of(graph, flat)
    node: Foreign = make_as(
        Foreign, _finished, (replaced(keys, nodes), finish, Literal(further)), None, None, None, None
    )
    node.collection, node.keys, node.layered = collection, flat, False
    return node


def gathered(collection: Any, nodes: list[Any] | Node, keys: list[Any]) -> Foreign:
    """A node that gives the value of a collection of ours, whose outputs are these nodes, or the blocks of a layer."""
    finish, further = collection.__dask_postcompute__()
    node: Foreign = make_as(Foreign, _finished, (nodes, finish, Literal(further)), None, None, None, None)
    node.collection, node.keys, node.layered = collection, keys, isinstance(nodes, Node)
    return node


def _finished(results: Any, finish: Callable[..., Any], further: Callable[[], Iterable[Any]]) -> Any:
    return finish(results, *further())


def flatten(keys: Any, container: Any = list) -> Iterator[Any]:
    """The keys in nested lists, from left to right. container: the type, or types, of what is gone into."""
    if not isinstance(keys, container):
        yield keys
        return
    for each in keys:
        yield from flatten(each, container)


def replaced(keys: Any, by: Mapping[Any, Any]) -> Any:
    """Nested lists of keys with each key replaced."""
    return [replaced(each, by) for each in keys] if isinstance(keys, list) else by[keys]


def outputs_of(nodes: list[Any]) -> list[Any]:
    """The nodes to run for some: of a collection its parts, which are put together by who asked for it."""
    return [each for node in nodes for each in (node._inputs if isinstance(node, Foreign) else (node,))]


def default_scheduler(nodes: list[Any]) -> Any:
    """The scheduler that the collections of some nodes have in common; None where they name none, or several."""
    wanted = {getattr(getattr(node, "collection", node), "__dask_scheduler__", None) for node in nodes} - {None}
    return wanted.pop() if len(wanted) == 1 else None


def names_of(collection: Any) -> set[str]:
    """The names of the keys of a collection's outputs. Raises TypeError where it is none."""
    if not is_dask_collection(collection):
        raise TypeError(f"{type(collection).__name__} is no collection; it needs __dask_graph__")
    return {name_of(key) for key in flatten(collection.__dask_keys__())}
