"""`bag.str`: methods of text, of each element."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial, update_wrapper
from operator import methodcaller
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.lazy.bag.bags import Bag


class StringAccessor:
    """The methods of str, each of all elements: bag.str.lower(), bag.str.split(" "). And match()."""

    def __init__(self, bag: Bag) -> None:
        self._bag = bag

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *dir(str)})

    def __getattr__(self, name: str) -> Callable[..., Bag]:
        if not hasattr(str, name):
            raise AttributeError(f"text has no method {name!r}; bag.str has those of str, and match()")
        return update_wrapper(partial(self._called, name), getattr(str, name))

    def _called(self, name: str, *args: Any, **kwargs: Any) -> Bag:
        return self._bag.map(methodcaller(name, *args, **kwargs))

    def match(self, pattern: str) -> Bag:
        """The elements that match a pattern of file names, as fnmatch does."""
        return self._bag.filter(partial(fnmatch, pat=pattern))
