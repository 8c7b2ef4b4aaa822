"""The exceptions of the green layer, in one file.

Each inherits the builtin that callers expect. `Timeout` is a class with behaviour and lives in `timeout`.
"""

from __future__ import annotations

import errno
import sys

from plait._base.errors import PlaitError
from plait.greenlet import GreenletExit

if sys.version_info >= (3, 13):
    from queue import ShutDown
else:

    class ShutDown(Exception):
        """The queue was shut down."""


__all__ = [
    "BlockingSwitchOutError",
    "Cancelled",
    "ConcurrentObjectUseError",
    "DeadlineExceeded",
    "FileObjectClosed",
    "GreenletExit",
    "HubDestroyed",
    "InvalidSwitchError",
    "InvalidThreadUseError",
    "LoopExit",
    "ShutDown",
    "TaskLostError",
]


class LoopExit(PlaitError):
    """Every greenlet of the thread is parked and nothing is left that could wake one."""


class Cancelled(BaseException):
    """A cancel scope ends its block. Let it pass: the scope that it names, `scope`, catches it.

    It inherits BaseException so that a handler of the task's own errors does not swallow it.
    """

    def __init__(self, scope: object) -> None:
        super().__init__(f"{scope!r} was cancelled")
        self.scope = scope


class DeadlineExceeded(PlaitError, TimeoutError):
    """A wait reached its deadline before anybody woke it."""


class BlockingSwitchOutError(PlaitError, AssertionError):
    """A callback that runs in the hub tried to block; only greenlets may."""


class FileObjectClosed(PlaitError, OSError, ValueError):
    """A file object was used after it had been closed. errno is EBADF."""

    def __init__(self, message: str = "Bad file descriptor (FileObject was closed)") -> None:
        super().__init__(errno.EBADF, message)


class InvalidSwitchError(PlaitError, AssertionError):
    """A parked greenlet was switched to by something other than its waiter's `wake` or `throw`."""


class ConcurrentObjectUseError(PlaitError, AssertionError):
    """An object was used by two greenlets at a time where it allows one."""


class InvalidThreadUseError(PlaitError, RuntimeError):
    """An object was used from another thread than the one that it belongs to."""


class HubDestroyed(GreenletExit):
    """What ends a hub that is destroyed."""


class TaskLostError(PlaitError, RuntimeError):
    """A task ran in a worker thread that is gone: the process forked, and a child has none of its parent's threads."""
