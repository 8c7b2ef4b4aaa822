"""Whether this process may fork: nothing may hold a lock at that moment that the child would wait for.

Counted, not guessed: the kernel's list of this process's threads has one entry. Two kinds of threads do not count,
since their libraries have fork handlers that end them, or start them anew in the child: those of OpenBLAS, which every
program with numpy has, and jemalloc's, which comes with pyarrow. OpenBLAS's have no name, so they are ended and the
list is read again. Threads of OpenMP count: GNU's deadlocks in a child whose parent has used it.

A hub that has run says no too: its helpers come and go. Cost: 30 us; 1 to 5 ms with numpy.
"""

from __future__ import annotations

import os

from plait.green import hub
from plait.parallel.pool import threadlimits

_TASKS = "/proc/self/task"
_FORK_HANDLED = frozenset({"jemalloc_bg_thd"})


def can_fork() -> bool:
    """To be asked by the thread that would fork, right before it does."""
    if hub.current() is not None:
        return False
    others = _others()
    return not others or (threadlimits.stop_idle(others) and not _others())


def _others() -> int:
    """Threads but this one that a fork would harm."""
    threads = os.listdir(_TASKS)
    if len(threads) == 1:
        return 0
    return sum(_name(thread) not in _FORK_HANDLED for thread in threads) - 1


def _name(thread: str) -> str:
    try:
        with open(f"{_TASKS}/{thread}/comm") as file:
            return file.read().strip()
    except OSError:  # it has ended
        return ""
