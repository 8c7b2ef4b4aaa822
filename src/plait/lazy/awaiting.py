"""Awaiting a collection: waits for what of it a cluster is computing already, and gives the collection itself.

What no cluster computes is not begun by that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from plait.lazy import engines
from plait.lazy._native.arena import Arena
from plait.lazy.keys import identity

T = TypeVar("T")


def wait_for(collection: T, nodes: Iterable[Any]) -> Generator[Any, None, T]:
    """For a collection's __await__; nodes: its outputs."""
    for node in Arena(list(nodes)).nodes:
        if node._function is identity and not node._inputs and engines.is_future(node._args[0]):
            yield from node._args[0].__await__()
    return collection
