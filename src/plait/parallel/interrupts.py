"""Interrupting a call in a worker thread: an exception is raised inside the user's function, and nowhere else.

    thread that works                             any other thread
    call = Interruptible()                        call.interrupt(TaskCancelled)
    call.call(function, args, kwargs)

An Interruptible serves one item, which may be many calls one after the other. After refuse() none of them starts any
more, and a call that is parked in a loop of its own gets the exception there. interrupt() also raises it in the call
that runs, at its next bytecode. What was not delivered when the function returns is withdrawn before anything else
runs, so neither the pool nor the next item ever sees it.

An exception between two bytecodes may hit a function that has just opened something and not yet stored it, so whoever
is not in a hurry refuses first, and interrupts those that have not ended a little later.

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
