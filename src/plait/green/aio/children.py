"""Children of a loop: told by a descriptor of the process when it has ended, in whatever thread the loop runs.

Later versions of asyncio do the same; before 3.12 its default is a thread for each child. A watcher that the program
has set itself is left in its place. Where the kernel gives no such descriptor, a thread looks.
"""

from __future__ import annotations

import asyncio
import os
from asyncio import unix_events

from plait.green import childwatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["program_has_a_watcher", "start"]

_close = os.close


def program_has_a_watcher() -> bool:
    """Whether the program asked for the policy's watcher of children before."""
    return getattr(asyncio.get_event_loop_policy(), "_watcher", None) is not None


async def start(loop: Any, *arguments: Any, **keywords: Any) -> Any:
    """The transport of a child that was started; arguments as of asyncio's own."""
    connected = loop.create_future()
    transport = unix_events._UnixSubprocessTransport(loop, *arguments, waiter=connected, **keywords)  # type: ignore[attr-defined]
    _watch(loop, transport.get_pid(), transport._process_exited)
    try:
        await connected
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        transport.close()
        await transport._wait()
        raise
    return transport


def _watch(loop: Any, pid: int, tell: Callable[[int], object]) -> None:
    """Call tell(exit code) in the loop when the child has ended."""
    fd = childwatch.open_process(pid)
    if fd >= 0:
        loop._add_reader(fd, _ended, loop, fd, pid, tell)
    elif fd == childwatch.GONE:
        loop.call_soon(lambda: tell(_exit_code(pid)))
    else:
        childwatch.look_in_a_thread(
            os.P_PID, pid, os.WEXITED, lambda: loop.call_soon_threadsafe(lambda: tell(_exit_code(pid)))
        )


def _ended(loop: Any, fd: int, pid: int, tell: Callable[[int], object]) -> None:
    loop._remove_reader(fd)
    _close(fd)
    tell(_exit_code(pid))


def _exit_code(pid: int) -> int:
    try:
        return os.waitstatus_to_exitcode(childwatch.take(pid)[1])
    except ChildProcessError:  # somebody else took its status
        return 255
