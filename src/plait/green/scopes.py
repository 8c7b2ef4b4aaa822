"""Cancel scopes: a block of a greenlet that can be ended from outside, by a deadline or by `cancel()`.

A scope is new -> active -> left, and is entered once; it may be cancelled in any of these. Scopes of one greenlet nest.
Cancelling raises `Cancelled` where the greenlet is parked, or at its next wait where it runs; the exception passes
through inner scopes and ends at the scope that it names, which swallows it and says so by `cancelled_caught`. A
shielded scope holds back what would come from those outside it, until it is left.

Every wait in plait goes through one waiter, so a loop of `plait.parallel` or a graph of `plait.lazy` that is waited for
within a scope is cancelled with it.

Cancellation is raised once (edge-triggered), as kill() and Timeout are, and as asyncio does it: cleanup in `finally`
may wait. Rejected: raising it at every wait until the scope is left (level-triggered): no cleanup could wait without a
shield, which code written for greenlets does not have, and every park would have to look for scopes. Code without
scopes pays nothing.
"""

from __future__ import annotations

from types import TracebackType

from plait._base import clock
from plait.green.exceptions import Cancelled
from plait.green.hub import Hub, Timer, get_hub
from plait.green.local import local
from plait.green.timeout import deadline_after, throw_into
from plait.greenlet import getcurrent, greenlet

__all__ = ["CancelScope", "Cancelled", "current_deadline", "fail_after", "move_on_after"]


class _Here(local):
    """The scopes that the current greenlet is in, outermost first."""

    def __init__(self) -> None:
        self.scopes: list[CancelScope] = []


_here = _Here()


class CancelScope:
    """A block that `cancel()` or its deadline ends.

        with CancelScope(deadline=clock.now() + 5) as scope:
            ...
        if scope.cancelled_caught: ...

    deadline: monotonic seconds, None for none; may be assigned while the scope is active.
    shield: whether outer scopes are kept from ending the block.
    """

    def __init__(self, *, deadline: float | None = None, shield: bool = False) -> None:
        self.shield = shield
        self.cancel_called = False  #: Whether it was cancelled, by call or by deadline.
        self.cancelled_caught = False  #: Whether its block was ended by that.
        self._deadline = deadline
        self._timer: Timer | None = None
        self._hub: Hub | None = None  # while active
        self._host: greenlet | None = None
        self._scopes: list[CancelScope] = []  # of the host
        self._raised = False
        self._left = False

    def __repr__(self) -> str:
        state = "cancelled" if self.cancel_called else self._state()
        deadline = "" if self._deadline is None else f" deadline={self._deadline:.3f}"
        return f"<{type(self).__name__} at {id(self):#x} {state}{deadline}>"

    def _state(self) -> str:
        return "left" if self._left else "new" if self._host is None else "active"

    @property
    def deadline(self) -> float | None:
        """Monotonic seconds; None for none."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: float | None) -> None:
        self._deadline = deadline
        if self._host is not None:
            self._stop_timer()
            self._start_timer()

    def cancel(self) -> None:
        """End the block, now or when it is entered. From any thread; again is nothing."""
        if not self.cancel_called:
            self.cancel_called = True
            if self._hub is not None:
                self._hub.run_callback_threadsafe(self._deliver)

    def __enter__(self) -> CancelScope:
        if self._left:
            raise RuntimeError(f"{self!r} was left already; make a new scope for each block")
        if self._host is not None:
            raise RuntimeError(f"{self!r} is active already; make a new scope for each block")
        self._host = getcurrent()
        self._hub = get_hub()
        self._scopes = _here.scopes
        self._scopes.append(self)
        self._start_timer()
        if self.cancel_called:
            self._hub.run_callback(self._deliver)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        if getcurrent() is not self._host or self._scopes[-1] is not self:
            raise RuntimeError(
                f"{self!r} is left out of order; scopes nest, and belong to the greenlet that entered them"
            )
        self._scopes.pop()
        self._stop_timer()
        self._host = None
        self._left = True
        hub, self._hub = self._hub, None
        if self.shield and hub is not None:
            for outer in self._scopes:
                if outer.cancel_called and not outer._raised:
                    hub.run_callback(outer._deliver)
        if isinstance(error, Cancelled) and error.scope is self:
            self.cancelled_caught = True
            return True
        return False

    # -- in the hub ----------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        host = self._host
        if host is None or self._raised or self._is_shielded():
            return
        self._raised = True
        throw_into(host, Cancelled(self))

    def _is_shielded(self) -> bool:
        inner = self._scopes[self._scopes.index(self) + 1 :]
        return any(scope.shield for scope in inner)

    def _start_timer(self) -> None:
        if self._deadline is not None and self._hub is not None and not self.cancel_called:
            self._timer = self._hub.call_at(self._deadline, self.cancel)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


class _FailScope(CancelScope):
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        caught = super().__exit__(kind, error, tb)
        if caught:
            raise TimeoutError("the block did not end before its deadline")
        return caught


def move_on_after(seconds: float | None, *, shield: bool = False) -> CancelScope:
    """A scope that ends its block after so many seconds, counted from now; the program goes on behind it."""
    return CancelScope(deadline=deadline_after(seconds), shield=shield)


def fail_after(seconds: float | None, *, shield: bool = False) -> CancelScope:
    """As `move_on_after`, but TimeoutError is raised where the block was ended."""
    return _FailScope(deadline=deadline_after(seconds), shield=shield)


def current_deadline() -> float:
    """Monotonic seconds at which the first of the scopes around the caller ends its block; infinity for never.

    Minus infinity where one has been cancelled already.
    """
    deadline = float("inf")
    for scope in reversed(_here.scopes):
        if scope.cancel_called:
            return float("-inf")
        if scope.deadline is not None:
            deadline = min(deadline, scope.deadline)
        if scope.shield:
            break
    return deadline if deadline > clock.now() else float("-inf")
