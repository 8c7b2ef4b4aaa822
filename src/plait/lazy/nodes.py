"""Lazy nodes: one call each, with its inputs.

A node has a function, arguments as templates, and the nodes that these refer to. It is immutable and knows its inputs,
not its readers, so a graph is freed with its last handle, and building is linear however deep it gets. Keys are made
when somebody asks: `name-token`, the token a content hash for pure calls and a serial number for others. Numbers
(`_id`) count nodes in the order in which they were made. What users do with a node is `handles`' business.

Rejected: nodes as rows of shared columns in Python lists, since a dropped handle's arguments would live as long as
its neighbours'. A native arena may take the place of the slots.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

from plait.lazy import tokens
from plait.lazy.templates import Scanner
from plait.parallel.naming import call_text, function_name

_ids = itertools.count(1)
_serial = tokens.Serial()
os.register_at_fork(after_in_child=_serial.renew)
_set = object.__setattr__


class Node:
    """A call that is yet to be made. Its slots are written once, by `fill_in` and its kin."""

    __slots__ = ("__weakref__", "_args", "_function", "_id", "_inputs", "_key", "_kwargs", "_nout", "_pure")

    _function: Callable[..., Any]
    _args: Sequence[Any]  # templates
    _kwargs: dict[str, Any]  # templates
    _inputs: tuple[Node, ...]
    _id: int
    _key: Any  # None until asked for
    _nout: int | None
    _pure: bool | None

    @property
    def key(self) -> Any:
        """The node's name in a graph, unique unless its call is pure."""
        if self._key is None:
            _set(self, "_key", f"{function_name(self._function)}-{_serial.token(self._id)}")
        return self._key


def is_node(item: Any) -> bool:
    return isinstance(item, Node)


def describe(node: Node, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """How errors name a node: its key, and its call with the values that it got."""
    return f"{node.key}: {call_text(node._function, args, kwargs)}"


def fill_in(
    node: Node,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    pure: bool | None,
    nout: int | None,
    key: Any,
) -> None:
    """Make a new node one that calls function(*args, **kwargs); nodes among these, at any depth, become its inputs."""
    if nout is not None and (not isinstance(nout, int) or isinstance(nout, bool) or nout < 0):
        raise ValueError(f"nout={nout!r} is not a number of results; pass a non-negative integer, or None")
    scanner = Scanner(is_node)
    args = tuple(map(scanner.scan, args))
    if kwargs:
        kwargs = {name: scanner.scan(value) for name, value in kwargs.items()}
    inputs = tuple(scanner.nodes)
    if key is None and pure:
        token = tokens.tokenize(function, args, kwargs, [each.key for each in inputs])
        key = f"{function_name(function)}-{token}"
    fill_in_parts(node, function, args, kwargs, inputs, pure, nout, key)


def fill_in_parts(
    node: Node,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    inputs: tuple[Node, ...],
    pure: bool | None,
    nout: int | None,
    key: Any,
) -> None:
    """As fill_in(), from templates and inputs."""
    _set(node, "_function", function)
    _set(node, "_args", args)
    _set(node, "_kwargs", kwargs)
    _set(node, "_inputs", inputs)
    _set(node, "_id", next(_ids))
    _set(node, "_key", key)
    _set(node, "_nout", nout)
    _set(node, "_pure", pure)
