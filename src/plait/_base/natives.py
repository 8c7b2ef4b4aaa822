"""The interpreter's own threads, locks, pauses, forks and polls, from before anybody patched them.

Whoever must block or start a real OS thread, patched standard library or not, takes these. `plait.green.monkey` imports
this module before it patches, so what is here is the original however late it is asked for.
"""

from _thread import RLock, allocate_lock, get_ident, get_native_id, start_new_thread
from _thread import _local as local
from os import fork, wait4, waitpid
from select import epoll, poll, select
from time import sleep

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
