"""Parking until a child process has ended, or changed.

Costs: three system calls and one park where a pidfd tells (see `childwatch`), else a thread. Takes no status: whoever
waited asks the kernel for it, and looks again where another was quicker.
"""

from __future__ import annotations

import os
import select

from plait._base import clock
from plait.green.childwatch import GONE, NO_DESCRIPTOR, look_in_a_thread, open_process
from plait.green.exceptions import DeadlineExceeded
from plait.green.hub import started
from plait.green.poller import READ
from plait.green.waiter import Waiter
from plait.green.waits import wait_for

__all__ = ["wait_for_change", "wait_for_end"]

# Captured before anybody patches them.
_close = os.close
_poll = select.poll


def wait_for_end(pid: int, deadline: float | None = None) -> bool:
    """Park until the process has ended, or is gone; False where the deadline (monotonic seconds) came first.

    Takes no status. Blocks the thread where that has no hub.
    """
    fd = open_process(pid)
    if fd == GONE:
        return True
    if fd == NO_DESCRIPTOR:
        return wait_for_change(os.P_PID, pid, os.WEXITED, deadline)
    try:
        if started():
            return wait_for(fd, READ, deadline, sticky=False)
        return _block_until_readable(fd, deadline)
    finally:
        _close(fd)


def wait_for_change(idtype: int, ident: int, options: int, deadline: float | None = None) -> bool:
    """Park until waitid(idtype, ident, options) would return or fail; False where the deadline came first."""
    waiter: Waiter[None] = Waiter()
    look_in_a_thread(idtype, ident, options, waiter.wake)
    try:
        waiter.wait(deadline)
    except DeadlineExceeded:
        return False
    return True


def _block_until_readable(fd: int, deadline: float | None) -> bool:
    poll = _poll()
    poll.register(fd, select.POLLIN)
    if deadline is None:
        return bool(poll.poll())
    if clock.jump(deadline):
        return bool(poll.poll(0))
    return bool(poll.poll(max(0.0, deadline - clock.now()) * 1e3))
