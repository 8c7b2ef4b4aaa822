"""Handles: what users write with. A `Delayed` is a lazy node that answers to calls, attributes and operators."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from types import MethodType
from typing import Any, NoReturn

from plait.lazy.computing import compute
from plait.lazy.graph import Graph
from plait.lazy.nodes import Node, fill_in, fill_in_parts, is_node
from plait.lazy.templates import Scanner, fill
from plait.parallel.naming import function_name


class Delayed(Node):
    """A value that is yet to be computed, made by `delayed`; calls, attributes, items and operators give more."""

    __slots__ = ()

    def compute(self, **options: Any) -> Any:
        """The value. options: as of `plait.lazy.compute`."""
        return compute(self, **options)[0]

    def persist(self, **options: Any) -> Delayed:
        """A node that holds the value, computed now, under the same key."""
        persisted: Delayed = persist(self, **options)[0]
        return persisted

    def __plait_call__(self) -> tuple[Callable[..., Any], Sequence[Any], dict[str, Any]]:
        """This node as one call, for `Parallel`. Raises TypeError where inputs are lazy."""
        if self._inputs:
            named = ", ".join(repr(node.key) for node in self._inputs[:3])
            raise TypeError(
                f"{self!r} has lazy inputs ({named}), which a loop cannot compute; "
                "pass it to plait.compute, or give its function values"
            )
        return self._function, self._args, self._kwargs

    def __repr__(self) -> str:
        return f"Delayed({self.key!r})"

    def __hash__(self) -> int:
        return hash(self._id)

    def __reduce__(self) -> tuple[Any, ...]:
        rows = Graph([self]).rows()
        return _rebuild, (rows, self._nout)

    def __getattr__(self, name: str) -> Delayed:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}, and names with a leading underscore are not lazy"
            )
        return Attribute(self, name)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, pure: bool | None = None, dask_key_name: Any = None, **kwargs: Any) -> Delayed:
        return call(_call_value, (self, *args), kwargs, pure, None, dask_key_name)

    def __iter__(self) -> Iterator[Delayed]:
        if self._nout is None:
            raise TypeError(f"{self!r} is of unknown length; say delayed(function, nout=N) to unpack it")
        return (call(operator.getitem, (self, i), {}, True, None, None) for i in range(self._nout))

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

    __slots__ = ("_attribute", "_of")

    _attribute: str
    _of: Delayed

    def __init__(self, of: Delayed, name: str) -> None:
        object.__setattr__(self, "_of", of)
        object.__setattr__(self, "_attribute", name)
        fill_in(self, getattr, (of, name), {}, True, None, None)

    def __call__(self, *args: Any, pure: bool | None = None, dask_key_name: Any = None, **kwargs: Any) -> Delayed:
        return call(_Method(self._attribute), (self._of, *args), kwargs, pure, None, dask_key_name)


class Function(Delayed):
    """`delayed(function)`: calling it makes a node. As an argument it is the function itself."""

    __slots__ = ()

    def __call__(self, *args: Any, pure: bool | None = None, dask_key_name: Any = None, **kwargs: Any) -> Delayed:
        return call(self._args[0], args, kwargs, self._pure if pure is None else pure, self._nout, dask_key_name)

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        function: Callable[..., Any] = self._args[0]
        return function

    @property
    def __name__(self) -> str:
        return function_name(self._args[0])


def call(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    pure: bool | None,
    nout: int | None,
    key: Any,
) -> Delayed:
    """A new node that calls function(*args, **kwargs); nodes among the arguments, at any depth, become inputs."""
    node = Delayed.__new__(Delayed)
    fill_in(node, function, args, kwargs, pure, nout, key)
    return node


def leaf(value: Any, name: Any, pure: bool | None, nout: int | None, traverse: bool) -> Delayed:
    """A node that has a value: `delayed(value)`."""
    node = Function.__new__(Function) if callable(value) else Delayed.__new__(Delayed)
    if traverse:
        fill_in(node, _identity, (value,), {}, pure, nout, name)
    else:
        fill_in_parts(node, _identity, (value,), {}, (), pure, nout, name)
    return node


def _rebuild(rows: list[tuple[Any, ...]], nout: int | None) -> Delayed:
    """The last of some nodes, each given as (key, function, args, kwargs, numbers of its inputs among these)."""
    nodes: list[Delayed] = []
    for key, function, args, kwargs, inputs in rows:
        has_function = function is _identity and not inputs and callable(args[0])
        node = Function.__new__(Function) if has_function else Delayed.__new__(Delayed)
        last = len(nodes) == len(rows) - 1
        of = tuple([nodes[i] for i in inputs])
        fill_in_parts(node, function, args, kwargs, of, None, nout if last else None, key)
        nodes.append(node)
    return nodes[-1]


def persist(*collections: Any, scheduler: str | None = None, num_workers: int | None = None) -> tuple[Any, ...]:
    """As compute(), but with each lazy node replaced by one that holds its value, under the same key."""
    scanner = Scanner(is_node)
    templates = [scanner.scan(item) for item in collections]
    values = compute(*scanner.nodes, scheduler=scheduler, num_workers=num_workers)
    held = [
        leaf(value, node.key, None, node._nout, traverse=False)
        for node, value in zip(scanner.nodes, values, strict=True)
    ]
    return tuple([fill(template, held) for template in templates])


def _identity(value: Any) -> Any:
    return value


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
        return call(function, operands, {}, True, None, None)

    return operate


def _reflected(function: Callable[..., Any]) -> Callable[[Any, Any], Delayed]:
    def operate(right: Any, left: Any) -> Delayed:
        return call(function, (left, right), {}, True, None, None)

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
