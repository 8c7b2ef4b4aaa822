"""What events, results and semaphores share: greenlets that wait for them, and callbacks linked to them.

Owns: the order of waking. `_announce` wakes who waited at that moment, first come first served, and hands each linked
callback, once, to the hub of the thread that linked it. `_wait` is for the waiting side.

Thread safety: a waiter enters the queue first and looks at `ready()` afterwards; who makes the object ready does that
first and looks at the queue afterwards. One of the two sees the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import Hub, get_hub
from plait.green.timeout import Limit, wait_within
from plait.green.waiter import Waiter

__all__ = ["Linkable"]


class Linkable:
    __slots__ = ("__weakref__", "_links", "_waiters")

    def __init__(self) -> None:
        self._waiters: deque[Waiter[Any]] = deque()
        self._links: list[tuple[Callable[[Any], object], Hub]] = []

    def ready(self) -> bool:
        """Whether waiting for it would return at once."""
        raise NotImplementedError

    def rawlink(self, callback: Callable[[Any], object]) -> None:
        """Call callback(self) once in the hub when it is ready; the callback must not block."""
        if not callable(callback):
            raise TypeError(f"callback={callback!r} is not callable; pass a function of one argument, this object")
        link = (callback, get_hub())
        self._links.append(link)
        if self.ready():
            link[1].run_callback(self._call_link, link)

    def unlink(self, callback: Callable[[Any], object]) -> None:
        """Take back a link. Nothing where there is none, or where it was called."""
        for link in self._links:
            if link[0] == callback:
                self._links.remove(link)
                return

    def linkcount(self) -> int:
        """How many greenlets and callbacks would hear of it now."""
        return len(self._links) + len(self._waiters)

    def _announce(self) -> None:
        waiters = self._waiters
        for _ in range(len(waiters)):
            try:
                waiter = waiters.popleft()
            except IndexError:  # another thread announces too
                break
            waiter.wake()
        for link in self._links[:]:
            link[1].run_callback_threadsafe(self._call_link, link)

    def _call_link(self, link: tuple[Callable[[Any], object], Hub]) -> None:
        if link not in self._links:
            return
        self._links.remove(link)
        try:
            link[0](self)
        except BaseException as error:
            get_hub().report((link[0], self), error)

    def _wait(self, timeout: Limit) -> bool:
        """Park until announced; False where `timeout` seconds passed first."""
        get_hub()
        waiter: Waiter[Any] = Waiter(outside=False)
        self._waiters.append(waiter)
        try:
            if not self.ready():
                wait_within(waiter, timeout)
            return True
        except DeadlineExceeded:
            return False
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
