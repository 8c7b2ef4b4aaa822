"""One run of a graph on a cluster of `distributed`, in the process that has the client.

    submitted -> waited for -> its values   result() returns
                            -> failed       result() raises, the rest of the run is cancelled
                            -> cancelled    by cancel(), from any thread

Each block is a task; its key begins with the name of its last function, by which dashboards group tasks, and is
unique to the run, so that cancelling one run never ends another. Waiting is through a Waiter, which the client's own
event loop wakes: other greenlets go on. A worker that dies is distributed's to replace: what it held is computed again.

Cost: distributed takes 0.3 to 1 ms a block.
"""

from __future__ import annotations

import asyncio
import itertools
import operator
import os
from collections.abc import Mapping, Sequence
from typing import Any

from distributed.client import Client, Future, Task, TaskRef, default_client
from distributed.scheduler import KilledWorker

from plait.adapters.blocks import Block, failure_of
from plait.green.waiter import Waiter

_runs = itertools.count(1)


class Run:
    """A graph that is being computed by a cluster."""

    def __init__(
        self, client: Client, blocks: Sequence[Block], wanted: Sequence[int], options: Mapping[str, Any]
    ) -> None:
        """wanted: positions of the blocks whose results are asked for. options: of Client.get (retries, ...)."""
        keys = _keys(blocks)
        self._client = client
        self._programs = {key: block.program for key, block in zip(keys, blocks, strict=True)}
        self._futures: list[Future] = client.get(_graph(blocks, keys), [keys[i] for i in wanted], sync=False, **options)
        self._waiter: Waiter[list[Any]] = Waiter()
        self._gathering = asyncio.run_coroutine_threadsafe(self._gather(), client.loop.asyncio_loop)
        self._gathering.add_done_callback(self._end)

    async def _gather(self) -> list[Any]:
        values: list[Any] = await self._client.gather(self._futures, asynchronous=True)
        return values

    def _end(self, gathering: Any) -> None:
        error = asyncio.CancelledError() if gathering.cancelled() else gathering.exception()
        if error is None:
            self._waiter.wake(gathering.result())
        else:
            self._waiter.throw(error)

    def result(self) -> list[Any]:
        """The results of the wanted blocks. Raises what the first failing node raised, or the cluster's own errors."""
        try:
            return self._waiter.wait()
        except KilledWorker as error:
            error.add_note(f"in {self._programs[error.task]!r}: each worker that ran it ended")
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure is error:
                raise
            raise failure from failure.__cause__
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Let go of the run: what has not begun never begins. Does not wait."""
        self._gathering.cancel()
        futures, self._futures = self._futures, []
        unfinished = [future for future in futures if not future.done()]
        if unfinished:
            asyncio.run_coroutine_threadsafe(
                self._client.cancel(unfinished, asynchronous=True, force=True), self._client.loop.asyncio_loop
            )
        for future in futures:
            future.release()


def persist(
    client: Client, blocks: Sequence[Block], wanted: Sequence[tuple[int, Any]], options: Mapping[str, Any]
) -> list[Future]:
    """Have the values of some nodes computed and kept by the cluster; a future for each, under the node's own key.

    wanted: (number, key) of the nodes. options: of Client.get.
    """
    keys, asked = _keys(blocks), dict(wanted)
    places = {number: i for i, block in enumerate(blocks) for number in block.gives}
    picked = {}
    for number, key in asked.items():
        gives = blocks[places[number]].gives
        if len(gives) == 1:
            keys[places[number]] = key
        else:
            picked[key] = Task(key, operator.getitem, TaskRef(keys[places[number]]), gives.index(number))
    futures: list[Future] = client.get(
        {**_graph(blocks, keys), **picked}, [key for _, key in wanted], sync=False, **options
    )
    return futures


def _keys(blocks: Sequence[Block]) -> list[Any]:
    run = f"{os.getpid():x}-{next(_runs)}"
    return [f"{block.program.__name__}-plait-{run}-{i}" for i, block in enumerate(blocks)]


def _graph(blocks: Sequence[Block], keys: Sequence[Any]) -> dict[Any, Task]:
    return {
        key: Task(key, block.program, *[TaskRef(keys[each]) if isinstance(each, int) else each for each in block.reads])
        for key, block in zip(keys, blocks, strict=True)
    }


def threads(client: Client) -> int:
    """How many tasks the cluster runs at once; at least 2, for one that is to grow."""
    found: int = sum(client.nthreads().values())
    return max(2, found)


def open_client() -> Client | None:
    """The client that was opened last and is open still."""
    try:
        return default_client()
    except ValueError:
        return None
