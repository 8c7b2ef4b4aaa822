"""Semaphores and locks.

A release hands its unit to the greenlet that waits longest; the counter goes up only where nobody waits. So nobody is
overtaken, and a unit that was handed to a greenlet which is killed before it runs is handed on.

Any thread may acquire and release: `_guard`, never held over a switch, makes each step one; it is reentrant so that a
signal handler may release. Cost, uncontended: two guarded integer operations; contended: one switch each.
"""

from __future__ import annotations

import _thread
from collections import deque
from types import TracebackType
from typing import Any, Literal

from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import get_hub
from plait.green.linkable import Linkable
from plait.green.timeout import Limit, is_no_time, wait_within
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent, greenlet

__all__ = ["BoundedSemaphore", "DummySemaphore", "RLock", "Semaphore"]

_allocate_guard = _thread.RLock


class Semaphore(Linkable):
    """A counter that acquire() takes from, parking while it is 0, and release() adds to."""

    __slots__ = ("_acquirers", "_guard", "counter")

    def __init__(self, value: int = 1, hub: Any = None) -> None:
        if value < 0:
            raise ValueError(f"value={value!r} is negative; a semaphore starts with zero or more")
        super().__init__()
        self.counter = value
        self._guard = _allocate_guard()
        self._acquirers: deque[Waiter[Any]] = deque()

    def __repr__(self) -> str:
        links = self.linkcount()
        return f"<{type(self).__name__} at {id(self):#x} counter={self.counter} _links[{links}]>"

    def linkcount(self) -> int:
        return super().linkcount() + len(self._acquirers)

    def locked(self) -> bool:
        """Whether acquire() would park."""
        return self.counter <= 0

    def ready(self) -> bool:
        """Whether acquire() would not park."""
        return self.counter > 0

    def acquire(self, blocking: bool = True, timeout: Limit = None) -> bool:
        """Take one. False where there is none: at once with blocking=False, else after `timeout` seconds."""
        with self._guard:
            if self.counter > 0:
                self.counter -= 1
                return True
            if not blocking or is_no_time(timeout):
                return False
            get_hub()
            waiter: Waiter[Any] = Waiter(outside=False)
            self._acquirers.append(waiter)
        try:
            wait_within(waiter, timeout)
        except DeadlineExceeded:
            if self._leave(waiter):
                return False
            waiter.wait()  # a unit is on its way to us already
        except BaseException:
            if not self._leave(waiter):
                self._put_back()
            raise
        return True

    def release(self) -> int:
        """Give one back: to who waits longest, else to the counter. Returns the counter."""
        return self._put_back()

    def _put_back(self) -> int:
        with self._guard:
            heir = self._acquirers.popleft() if self._acquirers else None
            if heir is None:
                self.counter += 1
        if heir is not None:
            heir.wake()
        elif self._waiters or self._links:
            self._announce()
        return self.counter

    def _leave(self, waiter: Waiter[Any]) -> bool:
        """Leave the queue; False where a release took us out before."""
        with self._guard:
            try:
                self._acquirers.remove(waiter)
            except ValueError:
                return False
            return True

    def wait(self, timeout: Limit = None) -> int:
        """Park until the counter is positive, `timeout` seconds at most, taking nothing. Returns the counter."""
        if self.counter <= 0 and not is_no_time(timeout):
            self._wait(timeout)
        return self.counter

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, kind: type[BaseException] | None, value: object, tb: TracebackType | None) -> None:
        self.release()


class BoundedSemaphore(Semaphore):
    """A semaphore that refuses to be released more often than it was acquired."""

    __slots__ = ("_initial_value",)

    _OVER_RELEASE_ERROR: type[Exception] = ValueError

    def __init__(self, value: int = 1, hub: Any = None) -> None:
        super().__init__(value, hub)
        self._initial_value = value

    def release(self) -> int:
        """As Semaphore.release; raises ValueError where the counter is at its initial value."""
        with self._guard:
            if self.counter >= self._initial_value:
                raise self._OVER_RELEASE_ERROR("Semaphore released too many times")
            return self._put_back()


class RLock:
    """A lock that its owner, a greenlet, may acquire again; free after as many releases."""

    __slots__ = ("__weakref__", "_block", "_count", "_owner")

    def __init__(self, hub: Any = None) -> None:
        self._block = Semaphore(1)
        self._owner: greenlet | None = None
        self._count = 0

    def __repr__(self) -> str:
        state = f"_block={self._block} _count={self._count} _owner={self._owner!r}"
        return f"<{type(self).__name__} at {id(self):#x} {state})>"

    def acquire(self, blocking: bool = True, timeout: Limit = None) -> bool:
        """Own the lock, once more. False where it could not be had: see Semaphore.acquire. -1 waits for ever."""
        me = getcurrent()
        if self._owner is me:
            self._count += 1
            return True
        if not self._block.acquire(blocking, None if timeout == -1 else timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    def release(self) -> None:
        """Undo one acquire. Raises RuntimeError where another greenlet is the owner."""
        if self._owner is not getcurrent():
            raise RuntimeError(f"cannot release un-acquired lock; owner: {self._owner!r}, current: {getcurrent()!r}")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._block.release()

    def locked(self) -> bool:
        return self._count > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, value: object, tb: TracebackType | None) -> None:
        self.release()

    # What threading.Condition asks of a lock that it gives up while it waits.

    def _is_owned(self) -> bool:
        return self._owner is getcurrent()

    def _release_save(self) -> tuple[int, greenlet | None]:
        saved = self._count, self._owner
        self._count, self._owner = 0, None
        self._block.release()
        return saved

    def _acquire_restore(self, saved: tuple[int, greenlet | None]) -> None:
        self._block.acquire()
        self._count, self._owner = saved


class DummySemaphore:
    """A semaphore that never makes anybody wait."""

    __slots__ = ()

    def __init__(self, value: int | None = None) -> None:
        """value: ignored."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def locked(self) -> Literal[False]:
        return False

    def ready(self) -> Literal[True]:
        return True

    def acquire(self, blocking: bool = True, timeout: Limit = None) -> Literal[True]:
        return True

    def release(self) -> None:
        """Nothing."""

    def rawlink(self, callback: object) -> None:
        """Nothing."""

    def unlink(self, callback: object) -> None:
        """Nothing."""

    def wait(self, timeout: Limit = None) -> int:
        return 1

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, kind: type[BaseException] | None, value: object, tb: TracebackType | None) -> None:
        """Nothing."""
