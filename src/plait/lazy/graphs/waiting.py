"""What tasks call that wait for others without reading them."""

from __future__ import annotations

from typing import Any


def first(node: Any, *others: Any) -> Any:
    """The first argument: a task that calls this waits for the others."""
    return node


def checked(*values: Any) -> None:
    """Nothing: a task that calls this waits for its arguments, and holds none of them."""
