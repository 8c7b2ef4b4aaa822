"""Some nodes as an operand of an expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Nodes:
    """Nodes, told apart by their keys, and not looked into."""

    __slots__ = ("held",)

    def __init__(self, held: Sequence[Any]) -> None:
        self.held = list(held)

    def __dask_tokenize__(self) -> Any:
        return [node.key for node in self.held]

    def __repr__(self) -> str:
        return f"{len(self.held)} nodes"
