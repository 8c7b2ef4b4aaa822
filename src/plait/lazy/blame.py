"""What is said of a node that ran: the note in its error, its event in the trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.lazy._native.nodes import Node
from plait.parallel.naming import call_text, function_name, note_task
from plait.trace import ring


def describe(node: Node, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """How errors name a node: its key, and its call with the values that it got."""
    return f"{node.key}: {call_text(node._function, args, kwargs)}"


def note(error: BaseException, node: Node, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Say in the exception which node raised it, once."""
    note_task(error, describe(node, args, kwargs))


def emit(node: Node, run: int, begin_ns: int) -> None:
    """Report that the node has run, since `begin_ns`, in this run."""
    ring.emit("lazy", "node", node._id, run, begin_ns, ring.now_ns(), 0, function_name(node._function))
