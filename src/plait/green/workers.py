"""OS threads that work for greenlets, and which of them have nothing to do.

The names of `_thread` and `_queue` here are the interpreter's own, whatever is patched later. A thread that `start`
begins is never waited for: the interpreter may end while it blocks.

`idle` holds the idents of threads that wait for work given by others: they wake nobody, so a hub that asks whether
another thread might wake it leaves them out (`idle_threads`). A thread adds itself before it waits and takes itself
out after; each is one operation on a set, atomic under the GIL. Layers above add theirs.
"""

from __future__ import annotations

import os
from _queue import SimpleQueue as SimpleQueue
from _thread import allocate_lock as allocate_lock
from _thread import get_ident as get_ident
from _thread import start_new_thread as start

__all__ = ["SimpleQueue", "allocate_lock", "get_ident", "idle", "idle_threads", "start"]

idle: set[int] = set()


def idle_threads() -> int:
    """How many threads wait for work."""
    return len(idle)


os.register_at_fork(after_in_child=idle.clear)
