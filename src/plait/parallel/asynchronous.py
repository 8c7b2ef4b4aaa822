"""A loop for asyncio: awaited for its list of results, or iterated for each as it comes.

    results = await Parallel(n_jobs=4).aio(tasks)
    async for result in Parallel(n_jobs=4).aio(tasks): ...

The event loop may be asyncio's own, plait's, or another. Nothing runs in a thread for it: the asyncio task does what
the caller's greenlet does otherwise (see `loop`), and awaits a future where that parks. So the tasks' iterator, the
pickling and the progress callback run in the event loop's thread. Cancelling the asyncio task, or closing the
iterator, cancels the loop. Of one worker too: only backend="sequential" and a loop nested in a worker run in place,
with a turn for others after each task.

The green backend needs an event loop that runs beside greenlets: `plait.green.aio.EventLoop`.
Rejected: a thread that runs the loop, whose iterator and callbacks would be elsewhere, and which cannot be cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

from plait._base import clock
from plait.parallel.completions import Completions
from plait.parallel.inplace import InPlaceLoop
from plait.parallel.loop import Loop
from plait.parallel.outcome import Batch
from plait.parallel.tracebacks import trim


class AsyncResults:
    """What Parallel.aio returns. Nothing is sent before it is awaited or iterated; either can be done once."""

    def __init__(self, make: Callable[[bool], Loop | InPlaceLoop], ordered: bool) -> None:
        """make(ordered): the loop. ordered: in which order to iterate."""
        self._make = make
        self._ordered = ordered
        self._begun = False

    def __await__(self) -> Generator[Any, None, list[Any]]:
        """All results, in the order of the tasks."""
        return self._collect().__await__()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._results(self._ordered)

    async def _collect(self) -> list[Any]:
        results: list[Any] = []
        try:
            async for part in self._parts(ordered=True):
                results += part
        except BaseException as error:
            _add_results(error, results)
            raise
        return results

    async def _results(self, ordered: bool) -> AsyncIterator[Any]:
        async for part in self._parts(ordered):
            part.reverse()
            while part:  # let go of each as it is handed over
                yield part.pop()

    async def _parts(self, ordered: bool) -> AsyncIterator[list[Any]]:
        if self._begun:
            raise RuntimeError("this call of aio() has been awaited or iterated already; call aio() again")
        self._begun = True
        loop = self._make(ordered)
        if isinstance(loop, InPlaceLoop):
            for value in loop.start():
                yield [value]
                await asyncio.sleep(0)
            return
        try:
            bell = _Bell(loop.completions)
            loop.begin()
            while loop.supply():
                while not loop.completions:
                    await bell.wait(loop.deadline())
                    loop.completions.hear()
                    if not loop.completions:
                        loop.stop_overdue()
                for part in loop.advance():
                    yield part
            for part in loop.due():
                yield part
            loop.leave(None)
        except BaseException as error:
            loop.leave(error)
            trim(error)
            raise


class _Bell:
    """Wakes an asyncio task when something is put."""

    def __init__(self, completions: Completions[Batch]) -> None:
        self._completions = completions
        self._event_loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] | None = None
        completions.listener = self._ring

    async def wait(self, deadline: float | None) -> None:
        """Until something is there, or the deadline, in monotonic seconds, has passed."""
        future = self._future = self._event_loop.create_future()
        timer = None
        try:
            if self._completions:  # put before there was a future
                return
            if deadline is not None:
                timer = self._event_loop.call_later(max(0.0, deadline - clock.now()), _finish, future)
            await future
        finally:
            self._future = None
            if timer is not None:
                timer.cancel()

    def _ring(self) -> None:
        """In the thread that puts."""
        future = self._future
        if future is not None:
            try:
                self._event_loop.call_soon_threadsafe(_finish, future)
            except RuntimeError:  # the event loop was closed before its tasks had ended
                pass


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _add_results(error: BaseException, results: list[Any]) -> None:
    """Those that were collected, beside those that the loop still had."""
    kept = getattr(error, "results", None)
    if isinstance(kept, dict):
        kept.update(enumerate(results))
