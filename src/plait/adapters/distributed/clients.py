"""Clients of `distributed` as engines: which process has them, and what a graph is on its way there.

The client is either in this process or, where the name `dask` is plait's here, in its child (see `adapters.child`).
The engine is one for both: what it calls is `engine`'s Run, here or there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from plait.adapters.blocks import Block, cut
from plait.adapters.child.channel import home
from plait.lazy.engines import Engine

if TYPE_CHECKING:
    from plait.lazy._native.arena import Arena

# What of compute()'s options a client takes; others are for other schedulers.
_OPTIONS = {"workers", "allow_other_workers", "resources", "retries", "priority", "fifo_timeout", "actors", "direct"}


class ClientEngine(Engine):
    """A client's cluster as an engine."""

    def __init__(self, client: Any, place: Any) -> None:
        """place: the module `engine`, in the process that has the client."""
        self._client = client
        self._place = place

    @property
    def get(self) -> Any:
        return self._client.get

    def compute(self, arena: Arena, options: Mapping[str, Any]) -> list[Any]:
        blocks = self._cut(arena)
        block_of = {number: i for i, block in enumerate(blocks) for number in block.gives}
        wanted = sorted({block_of[number] for number in arena.outputs})
        run = self._place.Run(self._client, blocks, wanted, _known(options))
        try:
            results = dict(zip(wanted, run.result(), strict=True))
        except BaseException:
            run.cancel()
            raise
        return [blocks[block_of[number]].value(number, results[block_of[number]]) for number in arena.outputs]

    def persist(self, arena: Arena, options: Mapping[str, Any]) -> list[Any]:
        blocks = self._cut(arena)
        keys = [(number, arena.nodes[number].key) for number in arena.outputs]
        futures: list[Any] = self._place.persist(self._client, blocks, keys, _known(options))
        return futures

    def _cut(self, arena: Arena) -> list[Block]:
        return cut(arena, self._place.threads(self._client), self._place.Future)


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in _OPTIONS}


def engine(asked: Any) -> ClientEngine:
    """The engine of a client, or of the open one where only the name is given. Raises RuntimeError, TypeError."""
    if isinstance(asked, str):
        opened = default()
        if opened is None:
            raise RuntimeError(f"scheduler={asked!r}: no Client is open; open one with distributed.Client(...)")
        return opened
    place = _place()
    if place is None or not isinstance(asked, place.Client):
        raise TypeError(f"scheduler={asked!r} is no client of this process; pass a distributed.Client that is open")
    if asked.asynchronous:
        raise ValueError(
            f"scheduler={asked!r} is an asynchronous client, which a computation would block; "
            "pass one that is not, or await client.compute(...)"
        )
    return ClientEngine(asked, place)


def default() -> ClientEngine | None:
    """The engine of the client that was opened last and is open still; None where there is none."""
    place = _place()
    client = None if place is None else place.open_client()
    return None if client is None else ClientEngine(client, place)


def _place() -> Any:
    """The module `engine` where the clients are; None where there can be none."""
    proxies = sys.modules.get("plait.adapters.child.proxies")
    if proxies is None:
        return import_module(_ENGINE)
    return None if home.started() is None else proxies.named(_ENGINE, "")


_ENGINE = "plait.adapters.distributed.engine"
