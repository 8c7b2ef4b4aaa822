"""Lazy nodes: one call each, with its inputs.

A `Delayed` is a node and the user's handle on it: function, arguments as templates, and the nodes that they refer to.
A node is immutable and knows its inputs, not its readers, so a graph is freed with its last handle, and building is
linear however deep it gets. Keys are made when somebody asks: `name-token`, the token a content hash for pure calls
and a serial number for others. Numbers (`id`) count nodes in the order in which they were made.

Rejected: nodes as rows of shared columns in Python lists, since a dropped handle's arguments would live as long as
its neighbours'. A native arena may take the place of the slots.
"""

from __future__ import annotations

import itertools
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from types import MethodType
from typing import Any, NoReturn

from plait.lazy import tokens
from plait.lazy.templates import Scanner
from plait.parallel.naming import call_text, function_name

_ids = itertools.count(1)
_serial = tokens.Serial()
os.register_at_fork(after_in_child=_serial.renew)


def is_node(item: Any) -> bool:
    return isinstance(item, Delayed)


class Delayed:
    """A value that is yet to be computed, made by `delayed`; calls, attributes, items and operators give more."""

    __slots__ = ("__weakref__", "_args", "_function", "_id", "_inputs", "_key", "_kwargs", "_nout", "_pure")

    _function: Callable[..., Any]
    _args: Sequence[Any]  # templates
    _kwargs: dict[str, Any]  # templates
    _inputs: tuple[Delayed, ...]
    _id: int
    _key: str | None  # made when asked for
    _nout: int | None
    _pure: bool | None

    @property
    def key(self) -> Any:
        """The node's name in a graph, unique unless its call is pure."""
        if self._key is None:
            self._key = f"{function_name(self._function)}-{_serial.token(self._id)}"
        return self._key

    def compute(self, **options: Any) -> Any:
        """The value. options: as of `plait.lazy.compute`."""
        from plait.lazy.computing import compute

        return compute(self, **options)[0]

    def persist(self, **options: Any) -> Delayed:
        """A node that holds the value, computed now, under the same key."""
        from plait.lazy.computing import persist

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
        from plait.lazy.graph import Graph

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

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _SLOTS:
            raise TypeError(f"{self!r} is immutable; set {name!r} inside a delayed function")
        object.__setattr__(self, name, value)


_SLOTS = frozenset(name for name in Delayed.__slots__ if name != "__weakref__") | {"_attribute", "_of"}


class Attribute(Delayed):
    """`node.name`; calling it is a call of that method."""

    __slots__ = ("_attribute", "_of")

    def __init__(self, of: Delayed, name: str) -> None:
        self._of = of
        self._attribute = name
        _init(self, getattr, (of, name), {}, True, None, None)

    def __call__(self, *args: Any, pure: bool | None = None, dask_key_name: Any = None, **kwargs: Any) -> Delayed:
        function = operator.methodcaller(self._attribute)
        if not args and not kwargs:
            return call(function, (self._of,), {}, pure, None, dask_key_name)
        return call(_call_method, (self._of, self._attribute, *args), kwargs, pure, None, dask_key_name)


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
    return _init(Delayed.__new__(Delayed), function, args, kwargs, pure, nout, key)


def leaf(value: Any, name: Any, pure: bool | None, nout: int | None, traverse: bool) -> Delayed:
    """A node that has a value: `delayed(value)`."""
    node = Function.__new__(Function) if callable(value) else Delayed.__new__(Delayed)
    if traverse:
        return _init(node, _identity, (value,), {}, pure, nout, name)
    _init(node, _identity, (), {}, None, nout, name)
    object.__setattr__(node, "_args", (value,))
    return node


def describe(node: Delayed, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """How errors name a node: its key, and its call with the values that it got."""
    return f"{node.key}: {call_text(node._function, args, kwargs)}"


_set = object.__setattr__


def _init(
    node: Delayed,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    pure: bool | None,
    nout: int | None,
    key: Any,
) -> Delayed:
    if nout is not None and (not isinstance(nout, int) or isinstance(nout, bool) or nout < 0):
        raise ValueError(f"nout={nout!r} is not a number of results; pass a non-negative integer, or None")
    scanner = Scanner(is_node)
    args = tuple(map(scanner.scan, args))
    if kwargs:
        kwargs = {name: scanner.scan(value) for name, value in kwargs.items()}
    inputs = tuple(scanner.nodes)
    if key is None and pure:
        token = tokens.tokenize(function, args, kwargs, [node.key for node in inputs])
        key = f"{function_name(function)}-{token}"
    _set(node, "_function", function)
    _set(node, "_args", args)
    _set(node, "_kwargs", kwargs)
    _set(node, "_inputs", inputs)
    _set(node, "_id", next(_ids))
    _set(node, "_key", key)
    _set(node, "_nout", nout)
    _set(node, "_pure", pure)
    return node


def _rebuild(rows: list[tuple[Any, ...]], nout: int | None) -> Delayed:
    """The last of some nodes, each given as (key, function, args, kwargs, numbers of its inputs among these)."""
    nodes: list[Delayed] = []
    for key, function, args, kwargs, inputs in rows:
        value_of_function = function is _identity and not inputs and callable(args[0])
        kind = Function if value_of_function else Delayed
        node = _init(kind.__new__(kind), function, (), {}, None, None, key)
        _set(node, "_args", args)
        _set(node, "_kwargs", kwargs)
        _set(node, "_inputs", tuple(nodes[i] for i in inputs))
        nodes.append(node)
    _set(nodes[-1], "_nout", nout)
    return nodes[-1]


def _identity(value: Any) -> Any:
    return value


def _call_value(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _call_method(target: Any, method: str, /, *args: Any, **kwargs: Any) -> Any:
    return getattr(target, method)(*args, **kwargs)


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
