"""A coroutine that waits for what greenlets make: `await greenlet`, and `to_greenlet`.

`await greenlet` is as awaiting a task: its value, or its exception with its traceback; cancelling the task that awaits
kills the greenlet, with GreenletExit. The await ends when the greenlet has ended: what it does in `finally` comes
first, and a greenlet that returns a value all the same has its value dropped. A greenlet that ends by GreenletExit,
killed by somebody else, raises CancelledError in the awaiting task, as a cancelled task does. To go on after a
cancellation without killing it, shield a coroutine that awaits it.

The greenlet may belong to another thread's hub. Costs: one future and one link an await.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial

from plait.green.greenlets import Greenlet
from plait.greenlet import GreenletExit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

__all__ = ["to_greenlet", "until_ended", "until_ready"]


def until_ended(greenlet: Greenlet) -> Generator[Any, None, Any]:
    """What `Greenlet.__await__` returns."""
    return _ended(greenlet).__await__()


def until_ready(source: Any) -> Generator[Any, None, Any]:
    """What `__await__` of an AsyncResult or an Event returns: the value of its `get` or `wait`, once it is ready."""
    return _ready(source).__await__()


async def to_greenlet(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function that blocks cooperatively, in a greenlet of its own, and await its value.

    The loop goes on meanwhile. It runs with a copy of the caller's context variables; cancelling kills it. For code
    that blocks the OS thread there is `asyncio.to_thread`.
    """
    return await Greenlet.spawn(copy_context().run, partial(function, *args, **kwargs))


async def _ended(greenlet: Greenlet) -> Any:
    cancelled: asyncio.CancelledError | None = None
    if not greenlet.ready():
        cancelled = await _link(greenlet, lambda: greenlet.kill(block=False))
    if cancelled is not None:
        raise cancelled
    value = greenlet.get(block=False)
    if isinstance(value, GreenletExit) and greenlet.successful():
        raise asyncio.CancelledError(f"{greenlet!r} was killed") from value
    return value


async def _ready(source: Any) -> Any:
    if not source.ready():
        cancelled = await _link(source, None)
        if cancelled is not None:
            raise cancelled
    return source.get(block=False) if hasattr(source, "get") else True


async def _link(source: Any, cancel: Callable[[], object] | None) -> asyncio.CancelledError | None:
    """Wait until source is ready. Where this is cancelled, call `cancel`, wait on, and return the cancellation."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def tell(_: object) -> None:  # in the hub, which may be another thread's
        try:
            loop.call_soon_threadsafe(_finish, future)
        except RuntimeError:  # the loop was closed before it ended
            pass

    source.rawlink(tell)
    cancelled: asyncio.CancelledError | None = None
    try:
        while not future.done():
            try:
                await asyncio.shield(future)
            except asyncio.CancelledError as error:
                cancelled = cancelled or error
                if cancel is None:
                    break
                cancel()
    finally:
        source.unlink(tell)
    return cancelled


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
