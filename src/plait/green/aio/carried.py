"""What asyncio keeps per OS thread, carried by the greenlet that runs a loop.

CPython keeps the running loop, the current task and the hooks of asynchronous generators per OS thread, since one
thread runs one loop. Here a thread has many greenlets, and several of them may run a loop each. The rule:

    A greenlet that runs a loop has the thread's state as long as it runs. Where it is switched away from, in the
    loop's wait for something to do or in any cooperative call below a task's step, the state is put aside; where it
    is switched to again, it is put back. Every other greenlet sees a thread without a running loop.

The hub does it, in `switch_away`, for the greenlet that has set `hub.guest`: nothing else pays more than a comparison.
A bare greenlet that a coroutine switches to by itself, without the hub, is a part of that coroutine's step and sees its
loop and task, as libraries that run blocking code in such greenlets expect.

Rejected: saving the state at each step of a task (a step that blocks has no such boundary, and steps are more frequent
than waits); state per greenlet in the switch itself (every switch of every program would pay); a loop that is refused
where another one is parked in the same thread.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import events, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Carried"]


class Carried:
    """The thread's state of one running loop: the hub's `guest` while its greenlet runs."""

    __slots__ = ("_hooks", "_loop", "_outer_hooks", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._hooks: Any = None
        self._outer_hooks = sys.get_asyncgen_hooks()

    def leave(self) -> None:
        """Put it aside. Called as the greenlet is switched away from."""
        task = asyncio.current_task(self._loop)
        if task is not None:
            tasks._leave_task(self._loop, task)
        self._task = task
        self._hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(*self._outer_hooks)
        events._set_running_loop(None)

    def enter(self, _: None) -> None:
        """Put it back. Called where the greenlet goes on."""
        events._set_running_loop(self._loop)
        sys.set_asyncgen_hooks(*self._hooks)
        if self._task is not None:
            tasks._enter_task(self._loop, self._task)
            self._task = None
