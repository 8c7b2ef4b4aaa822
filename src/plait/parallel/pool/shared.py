"""The one pool of this process: worker threads, worker processes, one budget.

Made, and its modules imported, on first use; shut down at exit or by shutdown(), after which the next call makes new
workers. A forked child starts without: it closes the parent's descriptors and touches nothing else.
"""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING

from plait._base import natives

if TYPE_CHECKING:
    from plait.parallel.pool.process_pool import ProcessPool
    from plait.parallel.pool.thread_pool import ThreadPool

_lock = natives.allocate_lock()
_processes: ProcessPool | None = None
_threads: ThreadPool | None = None
_start_method: str | None = None


def set_start_method(method: str | None) -> None:
    """How worker processes are started from now on: "auto", "fork", "forkserver" or "spawn"; None: by the environment.

    Ends the workers that there are. Raises ValueError for another name.
    """
    global _start_method
    if method is not None:
        from plait.parallel.pool.launch import check_method

        method = check_method(method)
    if method != _start_method:
        _start_method = method
        shutdown()


def processes() -> ProcessPool:
    """The worker processes."""
    global _processes
    with _lock:
        if _processes is None:
            from plait.parallel.pool.process_pool import ProcessPool

            _processes = ProcessPool(_start_method)
        return _processes


def threads() -> ThreadPool:
    """The worker threads."""
    global _threads
    with _lock:
        if _threads is None:
            from plait.parallel.pool.thread_pool import ThreadPool

            _threads = ThreadPool()
        return _threads


def shutdown(threads: bool = True) -> None:
    """End all workers, or the processes alone. Loops that run are told by a PoolError; idle workers leave at once."""
    global _processes, _threads
    with _lock:
        stopping, _processes = _processes, None
        also = None
        if threads:
            also, _threads = _threads, None
    if stopping is not None:
        stopping.stop()
    if also is not None:
        also.stop()


def _forget_parent() -> None:
    global _lock, _processes, _threads
    _lock = natives.allocate_lock()
    inherited, _processes, _threads = _processes, None, None
    if inherited is not None:
        inherited.release()


atexit.register(shutdown)
os.register_at_fork(after_in_child=_forget_parent)
