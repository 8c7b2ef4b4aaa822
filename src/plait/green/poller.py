"""The contract between the hub and the kernel's readiness interface, and its Linux form (epoll).

A poller has five functions; a port to another kernel (kqueue) writes these and nothing else:

    watch(fd, interest)   what the hub wants to hear about fd: READ, WRITE, both, or 0 to stop. Idempotent.
                          Raises PermissionError for a descriptor that is always ready (a regular file).
    forget(fd)            fd is about to be closed, or its number was reused: drop all that is known of it.
    wait(timeout_s)       block for at most timeout_s seconds (None: until something happens; 0: do not block).
                          Returns a list of (fd, ready) with ready of READ | WRITE; errors and hang-ups report as
                          both, so that the waiter finds the error in its own system call.
    notify()              make a wait() that blocks now, or the next one, return. The only function that any thread
                          may call; all others belong to the hub's thread.
    close()               release the kernel's objects. Idempotent.

Level-triggered: readiness is reported until it is consumed or no longer asked for. Costs: watch is one system call
when the interest changes and none when it does not; wait is one.

`select.epoll` and `os.eventfd` are captured when this module is imported, so that patching them later cannot make
the poller wait for itself.
"""

from __future__ import annotations

import os
import select

__all__ = ["READ", "WRITE", "EpollPoller"]

READ = 1
WRITE = 2

_epoll = select.epoll
_eventfd = os.eventfd
_eventfd_read = os.eventfd_read
_eventfd_write = os.eventfd_write
_close = os.close

_IN = select.EPOLLIN | select.EPOLLPRI | select.EPOLLRDHUP
_OUT = select.EPOLLOUT
_BROKEN = select.EPOLLERR | select.EPOLLHUP
_MASK = (0, select.EPOLLIN | select.EPOLLRDHUP, _OUT, select.EPOLLIN | select.EPOLLRDHUP | _OUT)
_MAX_WAIT_S = 86400.0  # epoll takes milliseconds in an int; waking once a day costs nothing


class EpollPoller:
    """Readiness by epoll; other threads' wake-ups by an eventfd in the same set."""

    __slots__ = ("_bell", "_epoll", "_interest", "_rung")

    def __init__(self) -> None:
        self._epoll = _epoll()
        self._bell = _eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._interest: dict[int, int] = {}
        self._rung = False  # set by any thread before it writes to the bell, cleared by the hub's thread after reading

    def watch(self, fd: int, interest: int) -> None:
        known = self._interest.get(fd, 0)
        if known == interest:
            return
        if not interest:
            del self._interest[fd]
            self._unregister(fd)
            return
        self._interest[fd] = interest
        try:
            if known:
                self._epoll.modify(fd, _MASK[interest])
            else:
                self._epoll.register(fd, _MASK[interest])
        except FileNotFoundError:  # closed behind our back, and the number reused
            self._epoll.register(fd, _MASK[interest])
        except FileExistsError:
            self._epoll.modify(fd, _MASK[interest])
        except BaseException:
            del self._interest[fd]
            raise

    def forget(self, fd: int) -> None:
        if self._interest.pop(fd, None) is not None:
            self._unregister(fd)

    def wait(self, timeout_s: float | None) -> list[tuple[int, int]]:
        limit = -1 if timeout_s is None else min(timeout_s, _MAX_WAIT_S)
        ready = []
        for fd, events in self._epoll.poll(limit):
            if fd == self._bell:
                self._silence()
            elif events & _BROKEN:
                ready.append((fd, READ | WRITE))
            else:
                ready.append((fd, (READ if events & _IN else 0) | (WRITE if events & _OUT else 0)))
        return ready

    def notify(self) -> None:
        # The caller has published its work before. Whoever finds the bell rung may leave: the hub silences it first and
        # looks at the inbox afterwards.
        if not self._rung:
            self._rung = True
            try:
                _eventfd_write(self._bell, 1)
            except (OSError, ValueError):  # closed: the hub is gone and nobody waits
                pass

    def close(self) -> None:
        if self._bell >= 0:
            bell, self._bell = self._bell, -1
            _close(bell)
            self._epoll.close()
            self._interest.clear()

    def fileno(self) -> int:
        return self._epoll.fileno()

    def __del__(self) -> None:
        if getattr(self, "_bell", -1) >= 0:
            self.close()

    def _unregister(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except (OSError, ValueError):  # closed already, and the kernel dropped it; or all is closed
            pass

    def _silence(self) -> None:
        try:
            _eventfd_read(self._bell)
        except BlockingIOError:
            pass
        self._rung = False
