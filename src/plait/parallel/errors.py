"""Exceptions of parallel loops. Each says which task it was about, and also is what callers of the field expect."""

from __future__ import annotations

import pickle
from typing import Any

from plait._base.errors import PlaitError


class PoolError(PlaitError, RuntimeError):
    """The pool could not run a task; the task itself did not fail."""


class WorkerDied(PoolError):
    """A worker process ended while it ran a task: killed by a signal, or by os._exit.

    index: the task's number in its loop. task: (function, arguments, keywords).
    """

    def __init__(self, text: str, index: int | None = None, task: Any = None) -> None:
        super().__init__(text)
        self.index = index
        self.task = task


class TransportError(PlaitError, pickle.PicklingError):
    """Something could not travel to a worker process or back. Names the task and the part that is to blame."""


class RemoteTaskError(PoolError):
    """A task raised an exception that cannot be rebuilt here; its type, text and traceback are in the message."""


class RemoteTraceback(PlaitError):
    """The cause of a task's exception: the traceback as the worker saw it, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text.rstrip()}\n"""'


class TaskTimeout(PlaitError, TimeoutError):
    """A task ran longer than its loop's `timeout`.

    index: the task's number in its loop. task: (function, arguments, keywords).
    """

    def __init__(self, text: str, index: int | None = None, task: Any = None) -> None:
        super().__init__(text)
        self.index = index
        self.task = task


class TaskCancelled(BaseException):
    """Raised inside a task whose loop has ended, or whose time is up. Not an Exception, which a task may catch."""
