"""How errors name a task: `task 3: square(3)`. Never raises, and stays short whatever the arguments are."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 40
_MAX_ARGUMENTS = 6


def function_name(function: Callable[..., Any]) -> str:
    """The name that a reader knows the function by."""
    inner = getattr(function, "func", None)  # functools.partial
    name = getattr(function, "__name__", None) or getattr(inner, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def call_text(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """`name(arguments)`, each argument cut to some 40 characters."""
    shown = [short_repr(value) for value in args] + [f"{name}={short_repr(value)}" for name, value in kwargs.items()]
    if len(shown) > _MAX_ARGUMENTS:
        shown[_MAX_ARGUMENTS:] = ["..."]
    return f"{function_name(function)}({', '.join(shown)})"


def short_repr(value: object) -> str:
    try:
        return _short.repr(value)
    except Exception:  # a user's __repr__ must not hide the error that names the task
        return f"<{type(value).__name__}>"


def note_task(error: BaseException, text: str) -> None:
    """Say in the exception which task raised it, once."""
    note = f"in {text}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
