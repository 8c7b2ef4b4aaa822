"""What asyncio keeps per OS thread, carried by the greenlet that runs a loop.

CPython keeps the running loop, the current task and the hooks of asynchronous generators per OS thread, since one
thread runs one loop. Here a thread has many greenlets, and several of them may run a loop each. The rule:

    A greenlet that runs a loop has the thread's state as long as it runs. Where it is switched away from, in the
    loop's wait for something to do or in any cooperative call below a task's step, the state is put aside; where it
    is switched to again, it is put back. Every other greenlet sees a thread without a running loop.

The hub does it, in `switch_away`, for the greenlet that has set `hub.guest`: nothing else pays more than a comparison.
A bare greenlet that a coroutine switches to by itself, without the hub, is a part of that coroutine's step and sees its
loop and task, as libraries that run blocking code in such greenlets expect.

Costs: two exchanges of pointers and of the running loop a wait; where a task's step blocks, its leaving and entering.
Rejected: saving the state at each step of a task (a step that blocks has no such boundary, and steps are more frequent
than waits); state per greenlet in the switch itself (every switch of every program would pay); a loop that is refused
where another one is parked in the same thread.
"""

from plait.green._native.aio import Carried

__all__ = ["Carried"]
