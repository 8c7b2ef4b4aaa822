"""Timeout: an exception that the hub raises in a greenlet when a time has passed.

A timeout is new, pending (its timer runs) or over (fired, or cancelled); `start` makes a new or an over one pending.
It is delivered where its greenlet is parked, as any exception thrown into it; it inherits BaseException so that a
handler of the task's own errors does not swallow it.

Cost: one timer. Waits that only need an end take a deadline instead and raise nothing in between.
"""

from __future__ import annotations

from plait._base import clock
from plait.green._native.timeouts import Timeout, is_no_time, throw_into, timed_out, with_timeout
from plait.green.waiter import Waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

__all__ = ["Limit", "Timeout", "deadline_after", "is_no_time", "throw_into", "timed_out", "wait_within", "with_timeout"]

Limit: TypeAlias = "float | Timeout | None"  # how long a call may wait: seconds, or a Timeout that will raise


def deadline_after(seconds: float | None) -> float | None:
    """Monotonic seconds at which `seconds` from now have passed; None for None."""
    return None if seconds is None else clock.now() + seconds


def wait_within(waiter: Waiter[Any], timeout: Limit) -> Any:
    """waiter.wait() for `timeout` seconds; a Timeout is started for as long and raises what it raises.

    Raises DeadlineExceeded after that many seconds.
    """
    if not isinstance(timeout, Timeout):
        return waiter.wait(deadline_after(timeout))
    with_timer = Timeout.start_new(timeout)
    try:
        return waiter.wait()
    finally:
        with_timer.cancel()
