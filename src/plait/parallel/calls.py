"""`delayed`: the task of a loop as a plain tuple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class delayed:
    """delayed(function)(*args, **kwargs) is the tuple (function, args, kwargs), which Parallel calls later.

    Costs one small object a decorated function and one tuple a task. Raises TypeError where function is not callable.
    """

    __slots__ = ("__weakref__", "__wrapped__")

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"delayed({function!r}) has nothing to call; pass a function: delayed(f)(arguments)")
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        return self.__wrapped__, args, kwargs

    def __repr__(self) -> str:
        return f"delayed({self.__wrapped__!r})"

    @property
    def __name__(self) -> str:
        return str(getattr(self.__wrapped__, "__name__", type(self.__wrapped__).__name__))
