"""The call protocol: how a task says what to call, in every layer.

A task is either a tuple `(function, args, kwargs)`, which is what `plait.parallel.delayed` makes, or an object with
`__plait_call__() -> (function, args, kwargs)`, which is what a lazy node has. A node that cannot be called alone,
because its inputs are lazy, refuses by raising from `__plait_call__`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

CallTuple: TypeAlias = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]


@runtime_checkable
class Call(Protocol):
    """An object that describes one call."""

    def __plait_call__(self) -> CallTuple: ...


def split(task: CallTuple | Call) -> CallTuple:
    """The function, arguments and keywords of `task`. Raises TypeError, naming the item, where it is no task."""
    describe = getattr(type(task), "__plait_call__", None)
    if describe is not None:
        call: CallTuple = describe(task)
        return call
    if isinstance(task, tuple) and len(task) == 3 and callable(task[0]):
        return task
    raise TypeError(
        f"{_shown(task)} is not a task; pass delayed(function)(arguments), "
        "or a tuple (function, args, kwargs) whose first item is callable"
    )


def _shown(item: object) -> str:
    """The item's repr, cut so that a message about a large object stays readable."""
    text = repr(item)
    return text if len(text) <= 80 else f"{text[:77]}..."
