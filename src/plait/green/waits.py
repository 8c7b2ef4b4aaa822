"""Waiting for a descriptor: what sockets, and libraries with descriptors of their own, call.

`wait_read(fd)` and its kin park the greenlet until the kernel says so. Several greenlets may wait for one descriptor.
Hub's thread only; each wait is one waiter, and two epoll_ctl calls unless the owner of the descriptor keeps its
interest (see `descriptors`).
"""

from __future__ import annotations

from plait.green._native.io import wait_for
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import get_hub
from plait.green.poller import READ, WRITE
from plait.green.timeout import Timeout, deadline_after
from plait.green.waiter import Waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["wait", "wait_any", "wait_for", "wait_read", "wait_readwrite", "wait_write"]


def wait_any(waits: Iterable[tuple[int, int]], deadline: float | None) -> bool:
    """Park until one of (fd, direction) is ready; False where the deadline (monotonic seconds) came first."""
    descriptors = get_hub().descriptors
    waits = list(waits)
    waiter: Waiter[Any] = Waiter(outside=False, subject=dict(waits))
    added: list[tuple[int, int]] = []
    try:
        for fd, direction in waits:
            descriptors.add(fd, direction, waiter)
            added.append((fd, direction))
        waiter.wait(deadline)
    except DeadlineExceeded:
        return False
    finally:
        for fd, direction in added:
            descriptors.remove(fd, direction, waiter, sticky=False)
    return True


def wait(io: Any, timeout: float | None = None, timeout_exc: Any = None) -> None:
    """Park until a watcher of the hub's loop fires. Raises timeout_exc, socket.timeout by default, as `wait_read`."""
    waiter: Waiter[Any] = Waiter(outside=False)
    limit = Timeout.start_new(timeout)
    try:
        io.start(waiter.wake)
        try:
            waiter.wait()
        finally:
            io.stop()
    except Timeout as error:
        if error is limit:
            raise _timed_out(timeout_exc) from None
        raise
    finally:
        limit.cancel()


def wait_read(fileno: int, timeout: float | None = None, timeout_exc: Any = None) -> None:
    """Park until fileno is readable. Raises timeout_exc, socket.timeout by default, after `timeout` seconds."""
    _wait(fileno, READ, timeout, timeout_exc)


def wait_write(fileno: int, timeout: float | None = None, timeout_exc: Any = None) -> None:
    """Park until fileno is writable. Raises timeout_exc, socket.timeout by default, after `timeout` seconds."""
    _wait(fileno, WRITE, timeout, timeout_exc)


def wait_readwrite(fileno: int, timeout: float | None = None, timeout_exc: Any = None) -> None:
    """Park until fileno is readable or writable. Raises timeout_exc after `timeout` seconds."""
    descriptors = get_hub().descriptors
    waiter: Waiter[Any] = Waiter(outside=False, subject={fileno: READ | WRITE})
    deadline = deadline_after(timeout)
    descriptors.add(fileno, READ, waiter)
    try:
        descriptors.add(fileno, WRITE, waiter)
        try:
            waiter.wait(deadline)
        finally:
            descriptors.remove(fileno, WRITE, waiter, sticky=False)
    except DeadlineExceeded:
        raise _timed_out(timeout_exc) from None
    finally:
        descriptors.remove(fileno, READ, waiter, sticky=False)


def _wait(fd: int, direction: int, timeout: float | None, timeout_exc: Any) -> None:
    if not wait_for(fd, direction, deadline_after(timeout), sticky=False):
        raise _timed_out(timeout_exc)


def _timed_out(timeout_exc: Any) -> BaseException:
    if timeout_exc is None:
        return TimeoutError("timed out")
    error: BaseException = timeout_exc() if isinstance(timeout_exc, type) else timeout_exc
    return error
