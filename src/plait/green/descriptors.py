"""Who waits for which descriptor.

Owns: for each descriptor with waiters, two sets of waiters (readable, writable); any number may wait for one
descriptor. All that wait for a direction are woken when it is ready, and those that find nothing wait again.

Interest is sticky for descriptors whose owner promises to call `closing(fd)` (the cooperative socket): it stays
registered after a wait, so that ping-pong costs no epoll_ctl, and is dropped when something is ready that nobody
waits for. For all other descriptors it is withdrawn at the end of the wait, since their number may be reused unseen.

Hub's thread only, except `closing`. Cost: two dictionary operations a wait; an epoll_ctl when the interest changes.
"""

from __future__ import annotations

import errno
import os

from plait.green.poller import READ, WRITE, EpollPoller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Waiter(Protocol):
        """What is woken; `waiter.Waiter` is one."""

        def wake(self) -> bool: ...

        def throw(self, exception: BaseException, /) -> bool: ...


__all__ = ["Descriptors"]


class _Entry:
    """One descriptor: who waits for it, and what the poller was told. interest covers at least what is waited for."""

    __slots__ = ("interest", "readers", "writers")

    def __init__(self) -> None:
        self.readers: list[Waiter] = []
        self.writers: list[Waiter] = []
        self.interest = 0

    def wanted(self) -> int:
        return (READ if self.readers else 0) | (WRITE if self.writers else 0)


class Descriptors:
    __slots__ = ("_entries", "poller", "waiting")

    def __init__(self, poller: EpollPoller) -> None:
        self.poller = poller
        self._entries: dict[int, _Entry] = {}
        self.waiting = 0  # calls of add() that remove() has not undone

    def add(self, fd: int, direction: int, waiter: Waiter) -> None:
        """Wake `waiter` when fd is ready for `direction` (READ or WRITE); at once when it always is.

        Every add that does not raise is undone by one remove.
        """
        entry = self._entries.get(fd)
        if entry is None:
            entry = self._entries[fd] = _Entry()
        if entry.interest & direction == 0:
            try:
                self.poller.watch(fd, entry.interest | direction)
            except PermissionError:  # a regular file: reading it never would block for long
                self._drop_if_unused(fd, entry)
                self.waiting += 1
                waiter.wake()
                return
            except BaseException:
                self._drop_if_unused(fd, entry)
                raise
            entry.interest |= direction
        (entry.readers if direction == READ else entry.writers).append(waiter)
        self.waiting += 1

    def remove(self, fd: int, direction: int, waiter: Waiter, sticky: bool) -> None:
        """Undo an add, whether the waiter was woken or not."""
        self.waiting -= 1
        entry = self._entries.get(fd)
        if entry is None:
            return
        waiters = entry.readers if direction == READ else entry.writers
        if waiter in waiters:
            waiters.remove(waiter)
        if not sticky:
            self._narrow(fd, entry)

    def closing(self, fd: int) -> None:
        """fd is about to be closed: whoever waits for it gets EBADF. Any thread: each step is atomic."""
        entry = self._entries.pop(fd, None)
        if entry is None:
            return
        self.poller.forget(fd)
        for waiter in entry.readers + entry.writers:
            waiter.throw(OSError(errno.EBADF, f"{os.strerror(errno.EBADF)}: descriptor {fd} was closed during a wait"))

    def wake(self, found: list[tuple[int, int]]) -> None:
        """Wake who waits for what the poller found."""
        for fd, ready in found:
            entry = self._entries.get(fd)
            if entry is None:
                self.poller.forget(fd)
                continue
            woken = 0
            if ready & READ and entry.readers:
                self._wake_all(entry.readers)
                woken |= READ
            if ready & WRITE and entry.writers:
                self._wake_all(entry.writers)
                woken |= WRITE
            if not woken or entry.interest & ready & ~woken:
                self._narrow(fd, entry)

    def move_to(self, poller: EpollPoller) -> None:
        """After a fork: tell a new poller all that the old one knew."""
        self.poller = poller
        for fd, entry in list(self._entries.items()):
            entry.interest = entry.wanted()
            try:
                self.poller.watch(fd, entry.interest)
            except OSError:
                self.closing(fd)

    def _wake_all(self, waiters: list[Waiter]) -> None:
        woken = waiters[:]
        waiters.clear()
        for waiter in woken:
            waiter.wake()

    def _narrow(self, fd: int, entry: _Entry) -> None:
        wanted = entry.wanted()
        if wanted != entry.interest:
            self.poller.watch(fd, wanted)
            entry.interest = wanted
        self._drop_if_unused(fd, entry)

    def _drop_if_unused(self, fd: int, entry: _Entry) -> None:
        if not entry.interest and not entry.readers and not entry.writers:
            self._entries.pop(fd, None)
