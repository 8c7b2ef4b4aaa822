"""Keys: what nodes are called, `name-token`.

The token is a content hash for pure calls, and for others a token of this process with the node's number: unique, and
made only when somebody asks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from plait.lazy.tokens import tokenize
from plait.parallel.naming import function_name

if TYPE_CHECKING:
    from plait.lazy._native.nodes import Node

_prefix = ""


def _renew() -> None:
    """Serial keys of this process from now on: a forked child counts on from the same number."""
    global _prefix
    _prefix = os.urandom(10).hex()


_renew()
os.register_at_fork(after_in_child=_renew)


def key_of(node: Node) -> str:
    """The key of a node that is equal to itself alone."""
    return f"{_name(node)}-{_prefix}{node._id:012x}"


def pure_key(node: Node) -> str:
    """The key that all equal calls share."""
    return f"{_name(node)}-{tokenize(node._function, node._args, node._kwargs)}"


def _name(node: Node) -> str:
    """What the node calls, or the type of the value that it has."""
    if node._function is not identity:
        return function_name(node._function)
    value = node._args[0]
    if node._inputs:  # a container of nodes, or another node
        return function_name(getattr(value, "build", identity))
    return function_name(value) if callable(value) else type(value).__name__


def identity(value: Any) -> Any:
    """What a node that has a value, or stands for another, calls."""
    return value
