"""plait.green.aio: asyncio and greenlets in one thread.

    >>> import asyncio
    >>> from plait import green
    >>> from plait.green import aio
    >>> def blocking(name):  # in a greenlet sleeps, sockets and queues wait cooperatively
    ...     green.sleep(0.01)
    ...     return f"hello {name}"
    >>> async def main():
    ...     greeting = await green.spawn(blocking, "coroutine")  # a coroutine awaits a greenlet
    ...     await asyncio.sleep(0.01)
    ...     return greeting
    >>> aio.run(main())  # as asyncio.run; other greenlets run meanwhile
    'hello coroutine'
    >>> aio.wait(asyncio.sleep(0.01, "hello greenlet"))  # a greenlet waits for a coroutine
    'hello greenlet'

`run`, or `asyncio.Runner(loop_factory=EventLoop)`, or the policy make asyncio's own programs run beside greenlets,
unchanged. Which greenlet has which running loop: `carried`; which loop `wait` means: `waiting`.
"""

from plait.green.aio.awaiting import to_greenlet as to_greenlet
from plait.green.aio.loop import EventLoop as EventLoop
from plait.green.aio.policy import EventLoopPolicy as EventLoopPolicy
from plait.green.aio.waiting import get_loop as get_loop
from plait.green.aio.waiting import run as run
from plait.green.aio.waiting import spawn as spawn
from plait.green.aio.waiting import wait as wait

__all__ = ["EventLoop", "EventLoopPolicy", "get_loop", "run", "spawn", "to_greenlet", "wait"]
