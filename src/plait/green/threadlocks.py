"""The locks that `_thread` hands out, on greenlets: what `threading` and `queue` are built on.

A lock is free or held. acquire() parks the greenlet where its thread has a hub, and else blocks the thread. release()
gives a held lock to whoever waits longest, so that a greenlet which releases and acquires in a loop starves nobody; a
lock that was given to a greenlet which is killed before it runs is given on. Any thread may acquire and release.

A failed attempt that must not wait lets the other greenlets run once before it returns: a loop of such attempts ends.

`_guard`, never held over a switch, makes each step one; it is reentrant, so that a signal handler may release.
"""

from __future__ import annotations

import _thread
from collections import deque
from types import TracebackType
from typing import Any, NoReturn

from plait._base import natives
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import current, get_hub
from plait.green.timeout import deadline_after
from plait.green.waiter import Waiter
from plait.greenlet import getcurrent, greenlet

__all__ = ["EndLock", "LockType", "RLock", "ident_of"]

TIMEOUT_MAX = _thread.TIMEOUT_MAX
_count_threads = _thread._count


class LockType:
    """A lock that whoever likes may release."""

    __slots__ = ("__weakref__", "_guard", "_held", "_queue")

    def __init__(self) -> None:
        self._at_fork_reinit()

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("type 'lock' is not an acceptable base type")

    def __repr__(self) -> str:
        state = "locked" if self._held else "unlocked"
        return f"<{state} {type(self).__module__}.lock object at {id(self):#x}>"

    def locked(self) -> bool:
        """Whether acquire() would wait."""
        return self._held

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Hold the lock; False where it could not be had, at once or in `timeout` seconds. -1 waits for ever."""
        if timeout != -1:
            _check_timeout(blocking, timeout)
        with self._guard:
            if not self._held:
                self._held = True
                return True
            if blocking and timeout:
                waiter: Waiter[Any] = Waiter(outside=False)
                self._queue.append(waiter)
            else:
                waiter = None  # type: ignore[assignment]
        if waiter is None:
            _let_others_run()
            return False
        return self._wait(waiter, None if timeout == -1 else deadline_after(timeout))

    def release(self) -> None:
        """Give the lock to whoever waits longest. Raises RuntimeError where it is not held."""
        with self._guard:
            if not self._held:
                raise RuntimeError("release unlocked lock")
            heir = self._queue.popleft() if self._queue else None
            if heir is None:
                self._held = False
        if heir is not None:
            heir.wake()

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, value: object, tb: TracebackType | None) -> None:
        self.release()

    def _wait(self, waiter: Waiter[Any], deadline: float | None) -> bool:
        _expect_a_waker()
        try:
            waiter.wait(deadline)
        except DeadlineExceeded:
            if self._leave(waiter):
                return False
            waiter.wait()  # it is ours: the wake-up is on its way
        except BaseException:
            if not self._leave(waiter):
                self.release()
            raise
        return True

    def _leave(self, waiter: Waiter[Any]) -> bool:
        """Leave the queue; False where a release took us out before."""
        with self._guard:
            try:
                self._queue.remove(waiter)
            except ValueError:
                return False
            return True

    def _at_fork_reinit(self) -> None:
        """Free, and nobody waits: what a forked child makes of its parent's locks."""
        self._guard = natives.RLock()
        self._held = False
        self._queue: deque[Waiter[Any]] = deque()


def _me() -> greenlet | None:
    """The current greenlet. None when the interpreter ends: whoever still locks then has nobody to keep out."""
    try:
        return getcurrent()
    except RuntimeError:
        return None


class RLock:
    """A lock that its owner, a greenlet, may acquire again; free after as many releases."""

    __slots__ = ("__weakref__", "_block", "_count", "_owner")

    def __init__(self) -> None:
        self._block = LockType()
        self._owner: greenlet | None = None
        self._count = 0

    def __repr__(self) -> str:
        state = "locked" if self._count else "unlocked"
        owner = 0 if self._owner is None else ident_of(self._owner)
        kind = type(self)
        return f"<{state} {kind.__module__}.{kind.__name__} object owner={owner} count={self._count} at {id(self):#x}>"

    def locked(self) -> bool:
        return self._count > 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Own the lock, once more; False where it could not be had: see LockType.acquire."""
        me = _me()
        if self._owner is me:
            self._count += 1
            return True
        if not self._block.acquire(blocking, timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    def release(self) -> None:
        """Undo one acquire. Raises RuntimeError where another greenlet is the owner."""
        if self._owner is not _me():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count and self._owner is not None:
            self._owner = None
            self._block.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, value: object, tb: TracebackType | None) -> None:
        self.release()

    # What threading.Condition asks of a lock that it gives up while it waits.

    def _is_owned(self) -> bool:
        return self._owner is getcurrent()

    def _recursion_count(self) -> int:
        return self._count if self._owner is getcurrent() else 0

    def _release_save(self) -> tuple[int, greenlet]:
        me = getcurrent()
        if self._owner is not me:
            raise RuntimeError("cannot release un-acquired lock")
        count, self._count, self._owner = self._count, 0, None
        self._block.release()
        return count, me

    def _acquire_restore(self, saved: tuple[int, greenlet]) -> None:
        self._block.acquire()
        self._count, self._owner = saved

    def _at_fork_reinit(self) -> None:
        self._block._at_fork_reinit()
        self._owner = None
        self._count = 0


class EndLock:
    """What is held while a thread lives: released once, it lets everybody through who waits for it, for good."""

    __slots__ = ("__weakref__", "_held", "_waiters")

    def __init__(self) -> None:
        self._at_fork_reinit()

    def __repr__(self) -> str:
        state = "locked" if self._held else "unlocked"
        return f"<{state} {type(self).__module__}.{type(self).__name__} object at {id(self):#x}>"

    def locked(self) -> bool:
        return self._held

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Hold it where it is free, else wait until it is; False where it was not, at once or in `timeout` seconds."""
        if not self._held:
            self._held = True
            return True
        if not blocking or not timeout:
            _let_others_run()
            return not self._held
        waiter: Waiter[Any] = Waiter(outside=False)
        self._waiters.append(waiter)
        try:
            if self._held:
                _expect_a_waker()
                waiter.wait(None if timeout == -1 else deadline_after(timeout))
        except DeadlineExceeded:
            return False
        finally:
            self._waiters.remove(waiter)
        return True

    def release(self) -> None:
        """Wake everybody. Nothing where it is free: whoever waited calls this too."""
        if self._held:
            self._held = False
            for waiter in list(self._waiters):
                waiter.wake()

    def _at_fork_reinit(self) -> None:
        self._held = False
        self._waiters: list[Waiter[Any]] = []


def ident_of(runner: greenlet) -> int:
    """What get_ident() says in that greenlet; a thread's main greenlet has the thread's own while it runs."""
    if runner.parent is None and runner is getcurrent():
        return natives.get_ident()
    return id(runner)


def _check_timeout(blocking: bool, timeout: float) -> None:
    if not blocking:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    if timeout > TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")


def _let_others_run() -> None:
    hub = current()
    if hub is not None and getcurrent() is not hub:
        hub.yield_turn()


def _expect_a_waker() -> None:
    """Without greenlets and other threads nobody will release: let the hub say so instead of waiting for ever."""
    if current() is None and not _count_threads():
        get_hub()
