"""The interpreter's own threads, locks, pauses, forks and polls, from before anybody patched them.

Whoever must block or start a real OS thread, patched standard library or not, takes these. `plait.green.monkey` imports
this module before it patches, so what is here is the original however late it is asked for.
"""

from __future__ import annotations

import _thread
from _thread import RLock, allocate_lock, get_ident, get_native_id
from _thread import _local as local
from os import fork, wait4, waitpid
from select import epoll, poll, select
from time import sleep

TYPE_CHECKING = False  # type checkers read it as true
if TYPE_CHECKING:  # they are slow to import
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "RLock",
    "allocate_lock",
    "epoll",
    "fork",
    "get_ident",
    "get_native_id",
    "local",
    "poll",
    "select",
    "sleep",
    "start_new_thread",
    "wait4",
    "waitpid",
]

_start_new_thread = _thread.start_new_thread


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> int:
    """Begin an OS thread that nobody waits for at exit; its ident.

    `threading` takes the thread that imports it first for the main one, and the exit then waits for that to end: so it
    is imported here, before there is another thread that could.
    """
    import threading  # noqa: F401

    return _start_new_thread(function, args, {} if kwargs is None else kwargs)
