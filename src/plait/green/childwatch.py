"""Watching children: statuses that were taken, and a callback when a child has ended.

A pidfd, readable once its process has ended, is watched as any descriptor is: no SIGCHLD handler to fight over, a watch
belongs to the hub that made it, and it works in a forked child too. The status is taken by `waitpid(WNOHANG)`
afterwards: who comes second finds ECHILD, as POSIX has it, unless the first has it remembered, which is what the child
watchers of the event loop do, since several of them, and `waitpid`, may ask for one child.

Where no descriptor can tell (any child, a process group, a child that stops; or a kernel that refuses a pidfd) a thread
of its own asks the kernel, with WNOWAIT: it looks and takes nothing, so that a waiter who has left loses no status.

Rejected: SIGCHLD, which is one bit for all children, belongs to the main thread, and is taken away by any library that
sets a handler; a table of all children, which those forked or spawned by C code would not enter. Left to others:
parking until a child has ended (`children`).
"""

from __future__ import annotations

import _thread
import os

from plait._base import clock
from plait.green.poller import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from plait.green.hub import Hub

__all__ = [
    "GONE",
    "NO_DESCRIPTOR",
    "Watch",
    "drop",
    "forget",
    "look_in_a_thread",
    "open_process",
    "recall",
    "recall_any",
    "remember",
    "take",
]

# Captured before anybody patches them.
_waitpid = os.waitpid
_waitid = os.waitid
_pidfd_open = os.pidfd_open
_close = os.close
_start_thread = _thread.start_new_thread

#: What `open_process` returns in place of a descriptor.
GONE = -2
NO_DESCRIPTOR = -1

#: Seconds for which the status that a watcher took is kept for waitpid.
REMEMBER_S = 60.0

_ended: dict[int, tuple[int, float]] = {}  # pid -> (status, when), oldest first


# -- statuses that were taken --------------------------------------------------------------------------------------


def remember(pid: int, status: int) -> None:
    """Keep the status of a child, taken on behalf of whoever asks for it later; what is too old is dropped."""
    forget(REMEMBER_S)
    _ended.pop(pid, None)
    _ended[pid] = (status, clock.now())


def recall(pid: int) -> int | None:
    """The status that was remembered of pid; it stays remembered."""
    known = _ended.get(pid)
    return None if known is None else known[0]


def recall_any() -> tuple[int, int] | None:
    """(pid, status) of the child remembered longest, which is remembered no more."""
    for pid in _ended:
        return pid, _ended.pop(pid)[0]
    return None


def forget(seconds: float = 0.0) -> None:
    """Drop what was remembered more than `seconds` ago."""
    oldest = clock.now() - seconds
    for pid in [pid for pid, (_status, when) in _ended.items() if when < oldest]:
        del _ended[pid]


def drop(pid: int) -> None:
    """Remember pid no more."""
    _ended.pop(pid, None)


def take(pid: int) -> tuple[int, int]:
    """(pid, status) where the child has ended, (0, 0) where it runs. Raises ChildProcessError where it is no child.

    A status that was remembered is given again and again, since each of a child's watchers asks.
    """
    try:
        return _waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        status = recall(pid)
        if status is None:
            raise
        return pid, status


# -- watching ---------------------------------------------------------------------------------------------------------


class Watch:
    """Calls function(*args) in the hub, once, when the process has ended or is gone.

    pid: 0 for any child. keeps_alive: whether a hub with nothing else left waits for it. Takes no status. Hub's thread
    only.
    """

    __slots__ = ("_args", "_fd", "_function", "_hub", "_keeps_alive")

    def __init__(
        self, hub: Hub, pid: int, function: Callable[..., object], *args: Any, keeps_alive: bool = True
    ) -> None:
        self._hub = hub
        self._function: Callable[..., object] | None = function
        self._args = args
        self._keeps_alive = keeps_alive
        self._fd = open_process(pid) if pid else NO_DESCRIPTOR
        hub.outside_waits += keeps_alive
        if self._fd >= 0:
            hub.descriptors.add(self._fd, READ, self)
            hub.descriptors.waiting -= 1  # it is counted above, or not to be counted
        elif self._fd == GONE:
            self.wake()
        else:
            look_in_a_thread(os.P_PID if pid else os.P_ALL, pid, os.WEXITED, self._found_by_thread)

    def cancel(self) -> None:
        """Do not call. Nothing where it was called."""
        if self._function is not None:
            self._function = None
            self._args = ()
            self._release()

    def wake(self) -> bool:
        """Called by the descriptors: the process has ended."""
        self._hub.run_callback(self._call)
        return True

    def throw(self, exception: BaseException, /) -> bool:
        """Called by the descriptors: the number was closed behind our back; who asks will see."""
        self._hub.run_callback_threadsafe(self._call)
        return True

    def _found_by_thread(self) -> None:
        self._hub.run_callback_threadsafe(self._call)

    def _call(self) -> None:
        function, args = self._function, self._args
        if function is not None:
            self.cancel()
            function(*args)

    def __del__(self) -> None:
        if self._fd >= 0:  # of a hub that has ended
            _close(self._fd)

    def _release(self) -> None:
        self._hub.outside_waits -= self._keeps_alive
        fd, self._fd = self._fd, NO_DESCRIPTOR
        if fd >= 0:
            self._hub.descriptors.waiting += 1
            self._hub.descriptors.remove(fd, READ, self, sticky=False)
            _close(fd)


def open_process(pid: int) -> int:
    """A descriptor that is readable once the process has ended; GONE, or NO_DESCRIPTOR where the kernel has none."""
    try:
        return _pidfd_open(pid)
    except ProcessLookupError:
        return GONE
    except OSError:  # an old kernel, or forbidden in this container
        return NO_DESCRIPTOR


def look_in_a_thread(idtype: int, ident: int, options: int, tell: Callable[[], object]) -> None:
    """Call tell(), in another thread, once waitid(idtype, ident, options) would return or fail."""

    def look() -> None:
        try:
            _waitid(idtype, ident, options | os.WNOWAIT)
        except OSError:  # no such child: whoever is told asks, and gets the error
            pass
        tell()

    _start_thread(look, ())
