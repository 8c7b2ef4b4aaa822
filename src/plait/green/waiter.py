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

 1. wait() publishes where it will park (`_parker`), then looks for an outcome, and parks if there is none.
 2. wake() appends its outcome (an atomic operation), then looks: if its own is the first it won, and if `_parker` is
    there it resumes that. So at least one of the two sees the other; when both do, the hub finds a void entry.
 3. Taking the outcome replaces the list, so that a late waker judges the list that it appended to.
 4. `_outcomes` is replaced and `_parker` and `_greenlet` are written by the waiting side alone.

A deadline or an exception thrown into the greenlet ends the wait but withdraws nothing: an outcome that arrived before
or after keeps the waiter ready. Who hands something over through a waiter must look at `ready` then. After a deadline
the waiter may wait again.

Costs: parking, one switch; no system call unless the OS thread blocks. Rejected: a deadline as one more outcome,
because a waiter that passed its deadline could not be waited on again. Fairness belongs to `hub`.
"""

from __future__ import annotations

import _thread
from typing import Any, Generic, TypeVar

from plait._base import clock
from plait.green.exceptions import DeadlineExceeded, InvalidSwitchError
from plait.green.hub import Hub, current
from plait.greenlet import getcurrent, greenlet
from plait.trace import ring

__all__ = ["DeadlineExceeded", "Waiter"]

T = TypeVar("T")
_Outcome = tuple[Any, BaseException | None]

_allocate_lock = _thread.allocate_lock  # captured before anybody patches it
_MAX_BLOCK_S = _thread.TIMEOUT_MAX


class _ThreadParker:
    """Blocks an OS thread that has no hub, until its one resume()."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = _allocate_lock()
        self._lock.acquire()

    def resume(self, _waiter: object) -> None:
        self._lock.release()

    def block(self, deadline: float | None) -> None:
        if deadline is None:
            self._lock.acquire()
        elif clock.jump(deadline):
            self._lock.acquire(False)
        else:
            self._lock.acquire(True, min(max(0.0, deadline - clock.now()), _MAX_BLOCK_S))


class Waiter(Generic[T]):
    """One place to wait at. One greenlet or thread waits at a time; it may be used again after each wait.

    outside: whether something that the hub does not know of (a thread, a callback from C) may wake it, so that a hub
    with nothing else left goes on waiting instead of raising LoopExit.
    """

    __slots__ = ("__weakref__", "_expired", "_greenlet", "_outcomes", "_parker", "outside")

    direct = True  # see hub

    def __init__(self, outside: bool = True) -> None:
        self.outside = outside
        self._outcomes: list[_Outcome] = []
        self._parker: Hub | _ThreadParker | None = None
        self._greenlet: greenlet | None = None  # set while parked in a hub
        self._expired = False

    def __repr__(self) -> str:
        return f"<Waiter at {id(self):#x}: {self.state}>"

    @property
    def state(self) -> str:
        if self._outcomes:
            return "ready"
        return "idle" if self._parker is None else "parked"

    @property
    def ready(self) -> bool:
        """Whether an outcome is there that no wait() has taken."""
        return bool(self._outcomes)

    # -- the waking side, any thread -----------------------------------------------------------------------------

    def wake(self, value: T | None = None) -> bool:
        """Make wait() return value. False: an outcome was there already, and this one is dropped."""
        return self._settle((value, None))

    def throw(self, exception: BaseException) -> bool:
        """Make wait() raise exception. False: an outcome was there already, and this one is dropped."""
        return self._settle((None, exception))

    def _settle(self, outcome: _Outcome) -> bool:
        outcomes = self._outcomes
        outcomes.append(outcome)
        if outcomes[0] is not outcome:
            return False
        parker = self._parker
        if parker is not None:
            parker.resume(self)
        return True

    # -- the waiting side ----------------------------------------------------------------------------------------

    def wait(self, deadline: float | None = None) -> T:
        """Return what wake() gives, or raise what throw() gives.

        deadline: monotonic seconds, as of `plait._base.clock.now()`; None waits for ever. Raises DeadlineExceeded when
        nobody has woken the waiter by then, and RuntimeError where another greenlet is waiting on it.
        """
        if not self._outcomes:
            if self._parker is not None:
                raise RuntimeError(f"{self!r} has somebody waiting already; give each greenlet its own Waiter")
            begin_ns = ring.now_ns() if ring.enabled else 0
            hub = current()
            if hub is None:
                self._block(deadline)
            else:
                self._park(hub, deadline)
            if begin_ns:
                ring.emit("green", "wait", id(self), id(getcurrent()), begin_ns, ring.now_ns())
            if not self._outcomes:
                raise DeadlineExceeded("the deadline passed before anybody woke the waiter")
        value, exception = self._outcomes[0]
        self._outcomes = []
        if exception is not None:
            raise exception
        return value  # type: ignore[no-any-return]

    def _block(self, deadline: float | None) -> None:
        self._parker = parker = _ThreadParker()
        try:
            if not self._outcomes:
                parker.block(deadline)
        finally:
            self._parker = None

    def _park(self, hub: Hub, deadline: float | None) -> None:
        runner = getcurrent()
        if runner is hub:
            hub.refuse_to_block()
        self._expired = False
        self._greenlet = runner
        self._parker = hub
        timer = None
        outside = self.outside
        hub.outside_waits += outside
        try:
            if not self._outcomes:
                if deadline is not None:
                    timer = hub.call_at(deadline, self._expire, hub)
                hub.switch_away()
                if not self._outcomes and not self._expired:
                    raise InvalidSwitchError(
                        f"{runner!r} is parked and was switched to from outside; wake it through its waiter"
                    )
        finally:
            hub.outside_waits -= outside
            self._parker = None
            self._greenlet = None
            if timer is not None:
                timer.cancel()

    # -- for the hub ---------------------------------------------------------------------------------------------

    def target(self) -> greenlet | None:
        """The greenlet to switch to; None when it has left, or an earlier wait's entry is looked at."""
        if self._outcomes or self._expired:
            return self._greenlet
        return None

    def _expire(self, hub: Hub) -> None:
        self._expired = True
        hub.ready.append(self)
