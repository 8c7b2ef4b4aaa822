"""A greenlet that waits for a coroutine: `wait`, and the loop that runs it.

`wait(coroutine)` runs it as a task while the greenlet is parked, and gives its value or raises its exception. Which
loop runs it:

 1. a future's own, or the one that was passed;
 2. else the one that is run by the nearest of the greenlets that spawned this one, one by the other: a coroutine's
    helpers share its loop;
 3. else the thread's: made when it is first needed, and run by a greenlet of its own as long as the thread lives.

What ends the greenlet's wait (a kill, a Timeout) cancels the task, and passes on when that has ended; a second one does
not wait for it. A task that was cancelled by somebody else raises CancelledError in the greenlet.

Rejected: running the coroutine's steps in the greenlet itself, since its futures need a running loop; a loop for each
wait, since connections and locks of libraries belong to one loop.
"""

from __future__ import annotations

import asyncio
from asyncio import events

from plait.green.aio.loop import EventLoop, running_in
from plait.green.hub import get_hub
from plait.green.timeout import timed_out, wait_within
from plait.green.waiter import DeadlineExceeded, Waiter
from plait.greenlet import getcurrent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

    from plait.green.hub import Hub
    from plait.greenlet import greenlet

__all__ = ["get_loop", "run", "spawn", "wait"]

_kept: set[asyncio.Task[Any]] = set()  # what spawn() started and nobody else may hold


def run(main: Any, *, debug: bool | None = None) -> Any:
    """As `asyncio.run`, on a loop of this greenlet: other greenlets run while it waits."""
    if events._get_running_loop() is not None:
        raise RuntimeError("aio.run() cannot be called from a running event loop; await the coroutine there")
    with asyncio.Runner(debug=debug, loop_factory=EventLoop) as runner:
        return runner.run(main)


def get_loop() -> EventLoop:
    """The loop that `wait` and `spawn` mean in this greenlet, running or about to run."""
    return _of_family(getcurrent()) or _of_thread(get_hub())


def spawn(
    coroutine: Any, *, loop: asyncio.AbstractEventLoop | None = None, name: str | None = None
) -> asyncio.Task[Any]:
    """A task of the coroutine, which runs as soon as the current greenlet waits. It is kept until it has ended."""
    task = (get_loop() if loop is None else _running_here(loop)).create_task(coroutine, name=name)
    _kept.add(task)
    task.add_done_callback(_kept.discard)
    return task


def wait(awaitable: Awaitable[Any], timeout: Any = None, *, loop: asyncio.AbstractEventLoop | None = None) -> Any:
    """Park until a coroutine, future or other awaitable has ended; its value, or its exception.

    timeout: seconds, or a Timeout. When it passes, the task is cancelled, and Timeout is raised after its end.
    loop: in place of that of `get_loop`; it may be one that runs in another thread.
    Raises RuntimeError below a coroutine of that same loop, which would wait for itself.
    """
    if loop is None:
        loop = awaitable.get_loop() if asyncio.isfuture(awaitable) else get_loop()
    if loop is events._get_running_loop():
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        raise RuntimeError("wait() below a coroutine would block the loop that it waits for; use await there")
    if _is_elsewhere(loop):
        return _wait_for(asyncio.run_coroutine_threadsafe(_result(awaitable), loop), timeout, outside=True)
    loop = _running_here(loop)
    return _wait_for(asyncio.ensure_future(_awaited(awaitable), loop=loop), timeout, outside=False)


def _wait_for(future: Any, timeout: Any, outside: bool) -> Any:
    waiter: Waiter[None] = Waiter(outside=outside, subject=future)
    future.add_done_callback(lambda _: waiter.wake())
    try:
        wait_within(waiter, timeout)
    except BaseException as error:
        future.cancel()
        if not future.done():
            waiter.wait()
        if future.done() and not future.cancelled():
            future.exception()  # retrieved: what ends the wait is told instead
        if isinstance(error, DeadlineExceeded):
            raise timed_out(timeout) from None
        raise
    return future.result()


def _awaited(awaitable: Any) -> Any:
    """What asyncio makes a task of."""
    if asyncio.isfuture(awaitable) or asyncio.iscoroutine(awaitable):
        return awaitable
    return _result(awaitable)


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


# -- which loop ----------------------------------------------------------------------------------------------------


def _of_family(runner: greenlet | None) -> EventLoop | None:
    """The loop that is run by the nearest one in the line of spawners."""
    while runner is not None:
        loop = running_in(runner)
        if loop is not None:
            return loop
        spawner = getattr(runner, "spawning_greenlet", None)
        runner = spawner() if spawner is not None else None
    return None


def _of_thread(hub: Hub) -> EventLoop:
    """The thread's own, which a greenlet of its own runs."""
    loop: EventLoop | None = hub.asyncio_loop
    if loop is None or loop.is_closed():
        loop = hub.asyncio_loop = EventLoop(background=True)
    loop.start()
    return loop


def _is_elsewhere(loop: Any) -> bool:
    """Whether it runs in another thread."""
    if isinstance(loop, EventLoop):
        return loop.hub is not None and loop.hub is not get_hub()
    return bool(loop.is_running())


def _running_here(loop: Any) -> Any:
    """The loop, for which a greenlet is started where it does not run."""
    if loop.is_closed():
        raise RuntimeError(f"{loop!r} is closed; pass one that is open, or none")
    if not isinstance(loop, EventLoop):
        raise RuntimeError(f"{loop!r} does not run in this thread beside greenlets; make it an aio.EventLoop")
    loop.start()
    return loop
