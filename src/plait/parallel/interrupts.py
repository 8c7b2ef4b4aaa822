"""Interrupting a call in a worker thread: an exception is raised inside the user's function, and nowhere else.

    thread that works                             any other thread
    call = Interruptible()                        call.interrupt(TaskCancelled)
    call.call(function, args, kwargs)

An Interruptible serves one item, which may be many calls one after the other. interrupt() counts once: the call that
runs gets the exception at its next bytecode, or in the wait where it is parked (a nested loop); where none runs, the
next one raises it instead of starting. What was not delivered when the function returns is withdrawn before anything
else runs, so neither the pool nor the next item ever sees it.

A function that does not come back to Python (it sleeps, or computes in C) gets the exception when it does;
`thread_pool` abandons its thread after a grace period. Rejected: signals, which reach the main thread alone.
"""

from __future__ import annotations

from plait._base import natives
from plait.parallel._native.interrupts import Interruptible as Interruptible


class _Here(natives.local):
    call: Interruptible | None = None


_here = _Here()


def current() -> Interruptible | None:
    """The item that this thread works on; None outside of worker threads."""
    return _here.call


def enter(call: Interruptible | None) -> None:
    """This thread works on that from now on."""
    _here.call = call
