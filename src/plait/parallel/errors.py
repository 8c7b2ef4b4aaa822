"""Exceptions of parallel loops. Each says which task it was about, and also is what callers of the field expect."""

from __future__ import annotations

import sys
from _pickle import PicklingError  # where pickle has it from; pickle itself is slow to import
from functools import cache
from typing import Any

from plait._base.errors import PlaitError


class PoolError(PlaitError, RuntimeError):
    """The pool could not run a task; the task itself did not fail."""


class WorkerDied(PoolError):
    """A worker process ended while it ran a task: killed by a signal, or by os._exit.

    index: the task's number in its loop. task: (function, arguments, keywords). It is also a BrokenProcessPool, which
    callers of executors catch, where the module that has that class is loaded; whoever names it has loaded it.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> WorkerDied:
        made: WorkerDied = super().__new__(_also_broken(cls) if cls is WorkerDied else cls, *args)
        return made

    def __reduce__(self) -> Any:
        return WorkerDied, (str(self), self.index, self.task)

    def __init__(self, text: str, index: int | None = None, task: Any = None) -> None:
        super().__init__(text)
        self.index = index
        self.task = task


class TransportError(PlaitError, PicklingError):
    """Something could not travel to a worker process or back. Names the task and the part that is to blame."""


def transport_error(text: str, reason: BaseException | None) -> TransportError:
    """A TransportError of something that raised `reason`; it is also what the language calls that, say a ValueError."""
    kinds: tuple[Any, ...] = type(reason).__mro__
    for kind in kinds:
        if kind.__module__ == "builtins" and kind is not Exception and issubclass(kind, Exception):
            return _transport_as(kind)(text)
    return TransportError(text)


@cache
def _transport_as(other: Any) -> type[TransportError]:
    def reduce(error: TransportError) -> tuple[Any, ...]:
        return _rebuild_transport, (other, str(error))

    try:
        made = type("TransportError", (TransportError, other), {"__reduce__": reduce, "__module__": __name__})
        made("")
    except TypeError:  # it has a layout or arguments of its own
        return TransportError
    return made


def _rebuild_transport(other: Any, text: str) -> TransportError:
    return _transport_as(other)(text)


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


def task_timeout(text: str, index: int, task: Any) -> TaskTimeout:
    """A TaskTimeout. It is multiprocessing's TimeoutError as well, which joblib raises, where a program has that."""
    multiprocessing = sys.modules.get("multiprocessing.context")
    if multiprocessing is None:
        return TaskTimeout(text, index, task)
    return _timeout_of(multiprocessing.TimeoutError)(text, index, task)


@cache
def _timeout_of(other: type[Exception]) -> type[TaskTimeout]:
    def reduce(error: TaskTimeout) -> tuple[Any, ...]:
        return task_timeout, (str(error), error.index, error.task)

    return type("TaskTimeout", (TaskTimeout, other), {"__reduce__": reduce, "__module__": __name__})


class TaskCancelled(BaseException):
    """Raised inside a task whose loop has ended, or whose time is up. Not an Exception, which a task may catch."""


class ExecutorBroken(PoolError):
    """An executor cannot run its calls: its initializer failed, its calls were interrupted, or the pool was shut down.

    Also a BrokenProcessPool, as WorkerDied is.
    """

    def __new__(cls, *args: Any) -> ExecutorBroken:
        made: ExecutorBroken = super().__new__(_also_broken(cls) if cls is ExecutorBroken else cls, *args)
        return made

    def __reduce__(self) -> Any:
        return ExecutorBroken, self.args


_made: dict[tuple[type[Any], type[Any]], Any] = {}


def _also_broken(kind: type[Any]) -> Any:
    """`kind`, made a subclass of what concurrent.futures calls a broken executor, as far as that is loaded."""
    processes, base = sys.modules.get("concurrent.futures.process"), sys.modules.get("concurrent.futures._base")
    broken = getattr(processes, "BrokenProcessPool", None) or getattr(base, "BrokenExecutor", None)
    if broken is None:
        return kind
    if (kind, broken) not in _made:
        body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
        _made[kind, broken] = type(kind.__name__, (kind, broken), body)
    return _made[kind, broken]
