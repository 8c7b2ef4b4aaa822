"""Where the code that runs now is: inside of which tasks and settings; and the process's one budget.

A loop or graph that is started inside a worker is nested: it gets what the budget has left, or runs in place. Its
default backend follows from its Scope: under a call on processes threads, under that the caller itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from plait._base import natives
from plait.parallel.budget import Budget

THREADS = "threads"
PROCESSES = "processes"
MULTIPROCESSING = "multiprocessing"


class Scope(NamedTuple):
    """What a task is inside of. Travels to worker processes with the call's record."""

    level: int = 0  # calls with workers around it
    workers: str = ""  # what runs it: THREADS, PROCESSES or MULTIPROCESSING
    backend: Any = None  # for loops that it starts; None: by `level`
    n_jobs: Any = None  # for the same


IN_PROCESS = Scope(1, PROCESSES)  # a worker process, whose call came from outside the pool


class _Here(natives.local):
    worker_thread = False
    scope: Scope | None = None


_here = _Here()
_in_worker_process = False
_process_scope = Scope()
_budget = Budget()
# What parallel_config has set around the code that runs (see `config`); None for nothing.
settings: ContextVar[Any] = ContextVar("plait.parallel.settings", default=None)


def budget() -> Budget:
    """The one budget of this process."""
    return _budget


def nested() -> bool:
    """Whether this code runs inside a task of the pool."""
    return _in_worker_process or _here.worker_thread


def in_worker_thread() -> bool:
    """Whether this is one of the pool's threads."""
    return _here.worker_thread


def scope() -> Scope:
    """What the code that runs now is inside of."""
    return _here.scope or _process_scope


def enter(scope: Scope) -> None:
    """The tasks that this thread runs from now on are inside of that; settings that an earlier task left end."""
    _here.scope = scope
    settings.set(None)


@contextmanager
def inside(scope: Scope) -> Iterator[None]:
    """What runs in this block is inside of that."""
    before, token = _here.scope, settings.set(None)
    _here.scope = scope
    try:
        yield
    finally:
        _here.scope = before
        settings.reset(token)


def enter_process(cores: int, scope: Scope | None = None) -> None:
    """This is a worker process, whose share of the machine is `cores`; the task that runs uses one of them."""
    global _in_worker_process, _budget, _process_scope
    _in_worker_process = True
    if scope is not None:
        _process_scope = scope
        settings.set(None)
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
