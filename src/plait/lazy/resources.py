"""Resources: what each run of a graph has for itself, such as a directory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from plait.lazy._native.nodes import leaf


class Resource:
    """What a node calls for something that each run has for itself, such as a directory: a value with close().

    When a graph is lowered, the value takes the node's place, and is closed when the run is over (see `opened`). In a
    graph that is run as it was built the caller calls this, and the value is closed with its last reader.
    """

    __slots__ = ("__name__", "open")
    __plait_here__ = True  # no worker process owns what a run needs

    def __init__(self, open: Callable[[], Any], name: str) -> None:
        self.open = open
        self.__name__ = name

    def __call__(self) -> Any:
        return self.open()

    def __reduce__(self) -> tuple[Any, ...]:
        return Resource, (self.open, self.__name__)


def opened(node: Any, resources: ExitStack | None) -> Any:
    """A node whose value is opened now, in the place of one that calls a Resource; None for other nodes, or without
    `resources`, which close it.
    """
    if resources is None or type(node._function) is not Resource:
        return None
    value = node._function.open()
    resources.callback(value.close)
    return leaf(value, node.key)
