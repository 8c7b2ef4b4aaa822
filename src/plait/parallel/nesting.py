"""Whether the caller is a worker itself, and the process's one budget.

A loop or graph that is started inside a worker is nested: it gets what the budget has left, or runs in place.
"""

from __future__ import annotations

import os

from plait._base import natives
from plait.parallel.budget import Budget


class _Here(natives.local):
    worker_thread = False


_here = _Here()
_in_worker_process = False
_budget = Budget()


def budget() -> Budget:
    """The one budget of this process."""
    return _budget


def nested() -> bool:
    """Whether this code runs inside a task of the pool."""
    return _in_worker_process or _here.worker_thread


def enter_process(cores: int) -> None:
    """This is a worker process, whose share of the machine is `cores`; the task that runs uses one of them."""
    global _in_worker_process, _budget
    _in_worker_process = True
    if _budget.cores != cores:
        _budget = Budget(cores, used=1)


def enter_thread() -> None:
    """This thread is a worker."""
    _here.worker_thread = True


def _forget_parent() -> None:
    global _here, _budget
    _here = _Here()
    _budget = Budget()


os.register_at_fork(after_in_child=_forget_parent)
