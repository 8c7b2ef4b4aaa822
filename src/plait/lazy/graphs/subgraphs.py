"""A graph as a function: of the values of some keys, giving that of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.lazy.computing import get
from plait.lazy.plain import Graph
from plait.lazy.tasks import DataNode
from plait.lazy.tokens import tokenize


class SubgraphCallable:
    """Calls a plain graph. inkeys: the keys that its arguments are the values of; outkey: the key whose value it
    gives.
    """

    __slots__ = ("dsk", "inkeys", "name", "outkey")

    def __init__(self, dsk: Graph, outkey: Any, inkeys: Sequence[Any], name: str | None = None) -> None:
        self.dsk = dsk
        self.outkey = outkey
        self.inkeys = tuple(inkeys)
        self.name = f"subgraph_callable-{tokenize(dsk, outkey, self.inkeys)}" if name is None else name

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *args: Any) -> Any:
        if len(args) != len(self.inkeys):
            raise ValueError(f"{len(args)} arguments for {len(self.inkeys)} keys {self.inkeys!r}; pass one for each")
        given = {key: DataNode(key, value) for key, value in zip(self.inkeys, args, strict=True)}
        return get({**self.dsk, **given}, self.outkey, scheduler="sync")

    def __eq__(self, other: object) -> bool:
        return type(other) is SubgraphCallable and other._parts() == self._parts()

    def _parts(self) -> tuple[Any, ...]:
        return self.name, self.outkey, frozenset(self.inkeys)

    def __hash__(self) -> int:
        return hash(self._parts())

    def __reduce__(self) -> tuple[Any, ...]:
        return SubgraphCallable, (self.dsk, self.outkey, self.inkeys, self.name)

    def __repr__(self) -> str:
        return self.name
