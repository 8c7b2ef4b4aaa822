"""The locks that `_thread` hands out, on greenlets: what `threading` and `queue` are built on.

A lock is free or held. acquire() parks the greenlet where its thread has a hub, and else blocks the thread. release()
gives a held lock to whoever waits longest, so that a greenlet which releases and acquires in a loop starves nobody; a
lock that was given to a greenlet which is killed before it runs is given on. Any thread may acquire and release.

A failed attempt that must not wait lets the other greenlets run once before it returns: a loop of such attempts ends.

An EndLock is held by a thread until its end, and joined by acquiring it. It is free for all at once, since
`threading` asserts right after its release that it is.

Native (`_native/threadlocks.pyx`): uncontended, a lock costs what the interpreter's own does.
"""

from __future__ import annotations

from plait.green._native.threadlocks import EndLock, LockType, RLock, get_ident

__all__ = ["EndLock", "LockType", "RLock", "get_ident"]
