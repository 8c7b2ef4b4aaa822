"""os, with forking, waiting for children and raw reads and writes that park the greenlet.

Every other name is the standard library's own. `fork` and `forkpty` leave a child that goes on with all greenlets of
the forking thread, on a poller of its own (see `hub`): it is what `os.fork` becomes when patched. `waitpid` and its kin
wait as `children` does: no handler, no table of children, no watcher behind a fork; a child that nobody waits for stays
a zombie, as it does without this module.
"""

from __future__ import annotations

import errno
import fcntl
import os as _os
import sys as _sys
import warnings
from contextlib import nullcontext

from plait.green import children, childwatch
from plait.green.hub import current, get_hub, reinit, started
from plait.green.poller import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any, TypeVar

    _Result = TypeVar("_Result", bound=tuple[Any, ...])

__all__ = [
    "close",
    "fork",
    "fork_and_watch",
    "fork_gevent",
    "forkpty",
    "forkpty_and_watch",
    "forkpty_gevent",
    "make_nonblocking",
    "nb_read",
    "nb_write",
    "tp_read",
    "tp_write",
    "wait",
    "wait3",
    "wait4",
    "waitpid",
]

#: What patching puts in place of the standard library's.
__implements__ = ["close", "fork", "forkpty", "wait", "wait3", "wait4", "waitpid"]

# Captured before anybody patches them.
_read = _os.read
_write = _os.write
_close = _os.close
_fork = _os.fork
_forkpty = _os.forkpty
_waitpid = _os.waitpid
_wait3 = _os.wait3
_wait4 = _os.wait4

_WOULD_BLOCK = (errno.EAGAIN, errno.EINTR)


def __getattr__(name: str) -> Any:
    return getattr(_os, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_os)})


# -- descriptors ---------------------------------------------------------------------------------------------------


def make_nonblocking(fd: int) -> bool | None:
    """Make reads and writes of fd fail instead of blocking; True where that is new, None where they did already."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    if flags & _os.O_NONBLOCK:
        return None
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | _os.O_NONBLOCK)
    return True


def nb_read(fd: int, n: int) -> bytes:
    """os.read of a descriptor in non-blocking mode, parking until there is something to read; b"" at the end."""
    return _until_ready(fd, READ, lambda: _read(fd, n))  # type: ignore[no-any-return]


def nb_write(fd: int, buf: Any) -> int:
    """os.write to a descriptor in non-blocking mode, parking until some of buf can be written; returns how much."""
    return _until_ready(fd, WRITE, lambda: _write(fd, buf))  # type: ignore[no-any-return]


def _until_ready(fd: int, direction: int, attempt: Callable[[], Any]) -> Any:
    watcher = None
    try:
        while True:
            try:
                return attempt()
            except OSError as error:
                if error.errno not in _WOULD_BLOCK:
                    raise
            if watcher is None:
                hub = get_hub()
                watcher = hub.loop.io(fd, direction)
            hub.wait(watcher)
    finally:
        if watcher is not None:
            watcher.close()


def tp_read(fd: int, n: int) -> bytes:
    """os.read in the hub's thread pool, for descriptors that cannot be waited for."""
    return _in_pool(_read, fd, n)  # type: ignore[no-any-return]


def tp_write(fd: int, buf: Any) -> int:
    """os.write in the hub's thread pool, for descriptors that cannot be waited for."""
    return _in_pool(_write, fd, buf)  # type: ignore[no-any-return]


def _in_pool(function: Callable[..., Any], *args: Any) -> Any:
    return get_hub().threadpool.apply(function, args)


def close(fd: int) -> None:
    """os.close; greenlets that wait for fd get EBADF, and a reused number finds nothing of the old one."""
    hub = current()
    if hub is not None:
        hub.descriptors.closing(fd)
    _close(fd)


# -- forking -------------------------------------------------------------------------------------------------------


def fork_gevent() -> int:
    """os.fork, after which the child goes on with all greenlets of this thread, as the parent does."""
    with _no_word_of_threads():
        child = _fork()
    if not child:
        reinit()
    return child


def forkpty_gevent() -> tuple[int, int]:
    """os.forkpty, after which the child goes on with all greenlets of this thread."""
    with _no_word_of_threads():
        child, terminal = _forkpty()
    if not child:
        reinit()
    return child, terminal


def _no_word_of_threads() -> AbstractContextManager[object]:
    """From 3.12 on a fork with threads warns; ours are the thread pool's, of which the child does without."""
    if _sys.version_info < (3, 12):
        return nullcontext()
    return warnings.catch_warnings(action="ignore", category=DeprecationWarning)


def fork_and_watch(
    callback: Callable[[Any], object] | None = None,
    loop: Any = None,
    ref: bool = False,
    fork: Callable[[], int] = fork_gevent,
) -> int:
    """fork(); in the parent callback(watcher) is called in the hub when the child has ended.

    The watcher has `pid` and `rstatus`. It takes the status; `waitpid` gives it all the same.
    loop: where the callback runs, that of this thread's hub by default. ref: whether the hub waits for it.
    """
    child = fork()
    if child and callback is not None:
        watcher = (loop or get_hub().loop).child(child, ref=ref)
        watcher.start(callback, watcher)
    return child


def forkpty_and_watch(
    callback: Callable[[Any], object] | None = None,
    loop: Any = None,
    ref: bool = False,
    forkpty: Callable[[], tuple[int, int]] = forkpty_gevent,
) -> tuple[int, int]:
    """As fork_and_watch, with forkpty; returns (pid, terminal)."""
    terminals = []

    def fork() -> int:
        child, terminal = forkpty()
        terminals.append(terminal)
        return child

    return fork_and_watch(callback, loop, ref, fork), terminals[0]


def fork(*args: Any, **kwargs: Any) -> int:
    """fork_and_watch: without arguments, a fork after which parent and child both have their greenlets."""
    return fork_and_watch(*args, **kwargs)


def forkpty(*args: Any, **kwargs: Any) -> tuple[int, int]:
    """forkpty_and_watch: without arguments, a forkpty after which parent and child both have their greenlets."""
    return forkpty_and_watch(*args, **kwargs)


# -- waiting for children ------------------------------------------------------------------------------------------


def waitpid(pid: int, options: int) -> tuple[int, int]:
    """os.waitpid that parks the greenlet instead of blocking the thread.

    The status of a child that a watcher took (see `fork_and_watch`) is given once, within a minute.
    """
    if pid == -1 and (known := childwatch.recall_any()) is not None:
        return known
    try:
        return _until_changed(pid, options, lambda flags: _waitpid(pid, flags))
    except ChildProcessError:
        status = childwatch.recall(pid)
        if status is None:
            raise
        childwatch.drop(pid)
        return pid, status


def wait() -> tuple[int, int]:
    """os.wait that parks the greenlet: (pid, status) of any child."""
    return waitpid(-1, 0)


def wait3(options: int) -> tuple[int, int, Any]:
    """os.wait3 that parks the greenlet."""
    return _until_changed(-1, options, _wait3)


def wait4(pid: int, options: int) -> tuple[int, int, Any]:
    """os.wait4 that parks the greenlet."""
    return _until_changed(pid, options, lambda flags: _wait4(pid, flags))


def _until_changed(pid: int, options: int, ask: Callable[[int], _Result]) -> _Result:
    """What ask(options) gives when there is something; `ask` is one of the wait family for pid, and first in result."""
    if options & _os.WNOHANG or not started():
        return ask(options)
    while True:
        result = ask(options | _os.WNOHANG)  # raises where it is no child of ours, before anybody waits for it
        if result[0]:
            return result
        if pid > 0 and not options:
            children.wait_for_end(pid)
        else:
            children.wait_for_change(*_which(pid), _changes(options))


def _which(pid: int) -> tuple[int, int]:
    """waitpid's pid, in waitid's words."""
    if pid > 0:
        return _os.P_PID, pid
    if pid == -1:
        return _os.P_ALL, 0
    return _os.P_PGID, -pid or _os.getpgrp()


def _changes(options: int) -> int:
    """waitpid's options, in waitid's words."""
    changes = _os.WEXITED
    if options & _os.WUNTRACED:
        changes |= _os.WSTOPPED
    return changes | options & _os.WCONTINUED
