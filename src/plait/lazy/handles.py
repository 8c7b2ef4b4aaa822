"""Handles: what users write with. A `Delayed` is a lazy node that answers to calls, attributes and operators."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import MethodType
from typing import Any, NamedTuple, NoReturn

from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Node, make, make_as, register
from plait.lazy.awaiting import wait_for
from plait.lazy.computing import compute, persist
from plait.lazy.gets import get_threads
from plait.lazy.key_names import renamed
from plait.lazy.plain import graph_of, identity, nodes_of
from plait.lazy.protocol import node_of
from plait.parallel.naming import function_name


class _OfGraph(type(Node)):  # type: ignore[misc]
    """Delayed(key, graph) is the node of a key of a plain graph; nodes are made below this call otherwise."""

    def __call__(cls, key: Any, dsk: Any, length: int | None = None, layer: str | None = None) -> Any:
        if key not in dsk:
            raise ValueError(f"{key!r} is not in the graph; pass a key that is")
        node = nodes_of(dsk, [key])[key]
        return node if length is None else make(identity, (node,), None, None, length, None)


class Delayed(Node, metaclass=_OfGraph):
    """A value that is yet to be computed, made by `delayed`; calls, attributes, items and operators give more."""

    __slots__ = ()
    _kind = 0  # what a call of it means, see `_native.nodes`: a call of its value

    def compute(self, **options: Any) -> Any:
        """The value. options: as of `plait.lazy.compute`."""
        return compute(self, **options)[0]

    def persist(self, **options: Any) -> Delayed:
        """A node that holds the value, computed now, under the same key."""
        persisted: Delayed = persist(self, **options)[0]
        return persisted

    def __await__(self) -> Generator[Any, None, Delayed]:
        return wait_for(self, [self])

    def visualize(self, filename: str | None = "mydask", format: str | None = None, **options: Any) -> Any:
        """Draw the graph. Parameters as of `plait.lazy.visualize`."""
        from plait.lazy.drawing import visualize

        return visualize(self, filename=filename, format=format, **options)

    def __plait_call__(self) -> tuple[Callable[..., Any], Sequence[Any], dict[str, Any]]:
        """This node as one call, for `Parallel`. Raises TypeError where inputs are lazy."""
        if self._inputs:
            named = ", ".join(repr(node.key) for node in self._inputs[:3])
            raise TypeError(
                f"{self!r} has lazy inputs ({named}), which a loop cannot compute; "
                "pass it to plait.compute, or give its function values"
            )
        return self._function, self._args, self._kwargs or {}

    def __repr__(self) -> str:
        return f"Delayed({self.key!r})"

    __hash__ = Node.__hash__

    # The collection protocol, see `protocol`.

    def __dask_tokenize__(self) -> Any:
        return self.key

    def __dask_graph__(self) -> dict[Any, Any]:
        return graph_of([self])

    dask = property(__dask_graph__)

    def __dask_keys__(self) -> list[Any]:
        return [self.key]

    def __dask_layers__(self) -> tuple[Any, ...]:
        return (self.key,)

    def __dask_postcompute__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _single, ()

    def __dask_postpersist__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuilt, (self.key, self._nout)

    __dask_scheduler__ = staticmethod(get_threads)

    def __reduce__(self) -> tuple[Any, ...]:
        arena = Arena([self])
        rows = [
            (type(node), node._function, *node._filled([_Place(i) for i in arena.inputs(number)]), node.key)
            for number, node in enumerate(arena.nodes)
        ]
        return _rebuild, (rows, self._nout)

    def __getattr__(self, name: str) -> Delayed:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}, and names with a leading underscore are not lazy"
            )
        if name == "visualise":
            warnings.warn("dask.delayed objects have no `visualise` method: it is `visualize`", stacklevel=2)
        attribute: Delayed = make_as(Attribute, getattr, (self, name), None, True, None, None)
        return attribute

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __iter__(self) -> Iterator[Delayed]:
        if self._nout is None:
            raise TypeError(f"{self!r} is of unknown length; say delayed(function, nout=N) to unpack it")
        return (make(operator.getitem, (self, i), None, True, None, None) for i in range(self._nout))

    @property
    def _length(self) -> int | None:
        return self._nout

    def __len__(self) -> int:
        if self._nout is None:
            raise TypeError(f"{self!r} is of unknown length; say delayed(function, nout=N) to unpack it")
        return self._nout

    def __bool__(self) -> NoReturn:
        raise TypeError(f"the truth of {self!r} is not known before it is computed; call compute() on it first")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(f"{self!r} is immutable; set the item inside a delayed function")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise TypeError(f"{self!r} is immutable; set {name!r} inside a delayed function")


class Attribute(Delayed):
    """`node.name`; calling it is a call of that method."""

    __slots__ = ()
    _kind = 2

    @property
    def _obj(self) -> Any:
        return self._args[0]

    @property
    def _attr(self) -> str:
        name: str = self._args[1]
        return name

    def __getattr__(self, name: str) -> Delayed:
        if name == "dtype" == self._args[1]:  # numpy asks for it again and again
            raise AttributeError("a dtype has no attribute 'dtype'")
        return super().__getattr__(name)


class Function(Delayed):
    """`delayed(function)`: calling it makes a node. As an argument it is the function itself."""

    __slots__ = ()
    _kind = 1

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        function: Callable[..., Any] = self._args[0]
        return function

    @property
    def __name__(self) -> str:
        return function_name(self._args[0])

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self._args[0].__doc__  # type: ignore[no-any-return]


class _Place(NamedTuple):
    """In a pickled graph: the node of that number."""

    number: int


def _rebuild(rows: list[tuple[Any, ...]], nout: int | None) -> Delayed:
    """The last of some nodes, each given by its parts, with places where its inputs stood."""
    nodes: list[Delayed] = []
    for kind, function, args, kwargs, key in rows:
        last = len(nodes) == len(rows) - 1
        of, named = _put_back(args, nodes), _put_back(kwargs, nodes)
        nodes.append(make_as(kind, function, of, named, None, nout if last else None, key))
    return nodes[-1]


def _put_back(item: Any, nodes: list[Delayed]) -> Any:
    kind = type(item)
    if kind is _Place:
        return nodes[item.number]
    if kind in (list, tuple, set, frozenset):
        return kind([_put_back(member, nodes) for member in item])
    if kind is dict:
        return {_put_back(name, nodes): _put_back(value, nodes) for name, value in item.items()}
    if kind is slice:
        return slice(*[_put_back(part, nodes) for part in (item.start, item.stop, item.step)])
    return item


def _single(results: Sequence[Any]) -> Any:
    return results[0]


def _rebuilt(graph: Mapping[Any, Any], key: Any, nout: int | None, rename: Mapping[str, str] | None = None) -> Delayed:
    """The node of a key of a plain graph, perhaps under another name: with the graph behind it, or with a result."""
    key = renamed(key, rename) if rename else key
    node = nodes_of(graph, [key])[key]
    made: Delayed = make_as(Delayed, node._function, *node._filled(list(node._inputs)), None, nout, key)
    return made


def _call_value(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


class _Method:
    """Calls a method of its first argument; named like it, for keys and errors."""

    __slots__ = ("__name__",)

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, target: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(target, self.__name__)(*args, **kwargs)


def _operator(function: Callable[..., Any]) -> Callable[..., Delayed]:
    def operate(*operands: Any) -> Delayed:
        node: Delayed = make(function, operands, None, True, None, None)
        return node

    return operate


def _reflected(function: Callable[..., Any]) -> Callable[[Any, Any], Delayed]:
    def operate(right: Any, left: Any) -> Delayed:
        node: Delayed = make(function, (left, right), None, True, None, None)
        return node

    return operate


_BINARY = ["add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "or", "xor"]
_COMPARED = ["lt", "le", "eq", "ne", "gt", "ge"]
_UNARY = ["neg", "pos", "abs", "invert", "getitem"]

for _name in _BINARY + _COMPARED + _UNARY:
    setattr(Delayed, f"__{_name}__", _operator(getattr(operator, f"__{_name}__")))
for _name in _BINARY:
    setattr(Delayed, f"__r{_name}__", _reflected(getattr(operator, f"__{_name}__")))
setattr(Delayed, "__divmod__", _operator(divmod))
setattr(Delayed, "__rdivmod__", _reflected(divmod))

register(Delayed, Function, _call_value, _Method, identity, node_of)
