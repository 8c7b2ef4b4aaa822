"""In a worker process: an executor's initializer, which runs once before the executor's first call there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.parallel.errors import PoolError

_initialized: set[str] = set()  # executors


class InitializerError(PoolError):
    """What an executor's initializer raised, as text."""


def call_initialized(
    executor: str,
    initializer: Callable[..., object],
    initargs: tuple[Any, ...],
    function: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
) -> Any:
    """function(*args, **kwargs), after the initializer of that executor. Raises InitializerError where it fails."""
    if executor not in _initialized:
        try:
            initializer(*initargs)
        except BaseException as error:
            raise InitializerError(f"an initializer failed: {error!r}") from error
        _initialized.add(executor)
    return function(*args, **kwargs)
