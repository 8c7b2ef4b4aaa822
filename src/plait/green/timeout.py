"""Timeout: an exception that the hub raises in a greenlet when a time has passed.

A timeout is new, pending (its timer runs) or over (fired, or cancelled); `start` makes a new or an over one pending.
It is delivered where its greenlet is parked, as any exception thrown into it; it inherits BaseException so that a
handler of the task's own errors does not swallow it.

Cost: one timer. Waits that only need an end take a deadline instead and raise nothing in between.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from plait._base import clock
from plait.green.hub import Timer, get_hub
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent, greenlet

__all__ = ["Limit", "Timeout", "deadline_after", "is_no_time", "throw_into", "timed_out", "wait_within", "with_timeout"]

_NO_VALUE: Any = object()
Seconds = float | None
T = TypeVar("T", bound="Timeout")


Limit: TypeAlias = "float | Timeout | None"  # how long a call may wait: seconds, or a Timeout that will raise


def deadline_after(seconds: float | None) -> float | None:
    """Monotonic seconds at which `seconds` from now have passed; None for None."""
    return None if seconds is None else clock.now() + seconds


class Timeout(BaseException):
    """Raise `exception` in the current greenlet after `seconds`.

    seconds: None never fires; zero or less fires at the next block.
    exception: None or True raises this Timeout; False raises it and the `with` block swallows it; a string raises it
    and is shown; an exception class or instance is raised instead of it.
    ref: whether a hub with nothing else left still waits for it.
    """

    def __init__(
        self, seconds: float | None = None, exception: Any = None, ref: bool = True, priority: int = -1
    ) -> None:
        BaseException.__init__(self)
        self.seconds = seconds
        self.exception = exception
        self._keeps_alive = ref
        self._timer: Timer | None = None

    @classmethod
    def start_new(
        cls: type[T], timeout: float | Timeout | None = None, exception: Any = None, ref: bool = True
    ) -> T | Timeout:
        """A pending timeout: `timeout` itself, started unless it is, or a new one of that many seconds."""
        if isinstance(timeout, Timeout):
            if not timeout.pending:
                timeout.start()
            return timeout
        started = cls(timeout, exception, ref=ref)
        started.start()
        return started

    @property
    def pending(self) -> bool:
        """Whether it will fire."""
        return self._timer is not None and self._timer.pending

    def start(self) -> None:
        """Begin to count. Raises AssertionError where it is pending already."""
        if self.pending:
            raise AssertionError(f"{self!r} is pending already; cancel() it before starting it again")
        if self.seconds is None:
            return
        exception: Any = self.exception
        if exception is None or isinstance(exception, (bool, str)):
            exception = self
        self._timer = get_hub().call_at(
            clock.now() + self.seconds, throw_into, getcurrent(), exception, keeps_alive=self._keeps_alive
        )

    def cancel(self) -> None:
        """Do not fire. A timeout that is not pending may be cancelled too."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    close = cancel

    def __enter__(self: T) -> T:
        if not self.pending:
            self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> bool:
        self.cancel()
        return value is self and self.exception is False

    def __repr__(self) -> str:
        pending = " pending" if self.pending else ""
        exception = "" if self.exception is None else f" exception={self.exception!r}"
        return f"<{type(self).__name__} at {id(self):#x} seconds={self.seconds}{exception}{pending}>"

    def __str__(self) -> str:
        if self.seconds is None:
            return ""
        plural = "" if self.seconds == 1 else "s"
        if self.exception is None or self.exception is True:
            return f"{self.seconds} second{plural}"
        if self.exception is False:
            return f"{self.seconds} second{plural} (silent)"
        return f"{self.seconds} second{plural}: {self.exception}"


def with_timeout(seconds: float | None, function: Any, *args: Any, timeout_value: Any = _NO_VALUE, **kwds: Any) -> Any:
    """function(*args, **kwds), ended by a Timeout after `seconds`; `timeout_value`, where given, is returned then."""
    timeout = Timeout.start_new(seconds)
    try:
        return function(*args, **kwds)
    except Timeout as error:
        if error is timeout and timeout_value is not _NO_VALUE:
            return timeout_value
        raise
    finally:
        timeout.cancel()


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


def timed_out(timeout: Limit) -> Timeout:
    """What to raise when a call that was given `timeout` waited in vain."""
    return timeout if isinstance(timeout, Timeout) else Timeout(timeout)


def is_no_time(timeout: Limit) -> bool:
    """Whether `timeout` asks not to wait at all."""
    return timeout is not None and not isinstance(timeout, Timeout) and timeout <= 0


def throw_into(runner: greenlet, exception: Any) -> None:
    """Raise the exception where the greenlet is parked, unless it has ended. In the hub only."""
    if not runner.dead:
        runner.throw(exception)
