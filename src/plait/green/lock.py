"""Semaphores and locks.

A release hands its unit to the greenlet that waits longest; the counter goes up only where nobody waits. So nobody is
overtaken, and a unit that was handed to a greenlet which is killed before it runs is handed on.

Any thread may acquire and release, and a signal handler may release: each step is one under the GIL. Cost, uncontended:
an integer operation; contended: one switch each. Native: see `_native/sync.pyx`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Literal

from plait.green._native.sync import BoundedSemaphore, RLock, Semaphore
from plait.green.timeout import Limit

__all__ = ["BoundedSemaphore", "DummySemaphore", "RLock", "Semaphore"]


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
