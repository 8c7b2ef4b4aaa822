"""Methods that the configuration may replace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from plait.lazy import config


def globalmethod(
    default: Callable[..., Any] | None = None, key: str | None = None, falsey: Callable[..., Any] | None = None
) -> Any:
    """A static method of a class that a configuration's key replaces while it is set; also as a decorator.

    default: the method where the key is not set. key: as of `config.get`. falsey: the method where the key is set to
    something false, such as None.
    """
    if default is None:
        return partial(_GlobalMethod, key=key, falsey=falsey)
    return _GlobalMethod(default, key, falsey)


class _GlobalMethod:
    def __init__(
        self,
        default: Callable[..., Any] | None = None,
        key: str | None = None,
        falsey: Callable[..., Any] | None = None,
    ) -> None:
        self._default = default
        self._key = key
        self._falsey = falsey

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., Any] | None:
        chosen: Callable[..., Any] | None = config.get(self._key, self._default) if self._key else self._default
        return chosen or self._falsey
