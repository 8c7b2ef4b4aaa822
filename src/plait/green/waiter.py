"""Waiters: the only way that anything in plait blocks.

A waiter is idle, parked or ready:

    state    wait()                       wake(), throw()      deadline, kill
    idle     -> parked                    -> ready             -
    parked   an error: one may wait       -> ready, resumes    -> idle, raises where it waits
    ready    -> idle, gives the outcome   dropped: False       stays ready

wait() parks the current greenlet where the thread has a hub, and else blocks the OS thread, interruptibly (Ctrl-C gets
through); it never starts a hub. wake() and throw() may come from any thread, from the hub, and before wait(). The
first outcome counts; a later one is dropped and its caller told so by False.

Protocol, for wakers on any thread, without a lock (a lock would deadlock with a signal handler that wakes):

 1. wait() publishes where it will park (the hub, or a lock of the OS thread), then looks for an outcome, and parks if
    there is none.
 2. wake() stores its outcome unless there is one, in one step under the GIL, then looks where the other side parks, and
    resumes that. So at least one of the two sees the other; when both do, the hub finds a void entry.
 3. Where it parks is written by the waiting side alone.

A deadline or an exception thrown into the greenlet ends the wait but withdraws nothing: an outcome that arrived before
or after keeps the waiter ready. Who hands something over through a waiter must look at `ready` then. After a deadline
the waiter may wait again.

Costs: parking, one switch; no system call unless the OS thread blocks. Rejected: a deadline as one more outcome,
because a waiter that passed its deadline could not be waited on again. Fairness belongs to `hub`.
"""

from plait.green._native.core import Waiter
from plait.green.exceptions import DeadlineExceeded

__all__ = ["DeadlineExceeded", "Waiter"]
