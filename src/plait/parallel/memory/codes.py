"""Whether a function still is the one that a cache was filled by.

A cache keeps a function's source beside its entries. The first call in a process compares the two; from then on the
function object itself is known, by its identity and its code's, so that a file which is edited while the program runs
does not matter, and a call costs no look at the disk. Lambdas and callables without a name are compared each time.
"""

from __future__ import annotations

import os
import tokenize
import warnings
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from plait.parallel.memory.functions import get_func_code, get_func_name
from plait.parallel.memory.stores import StoreBackendMixin

FIRST_LINE_TEXT = "# first line:"

# function -> {where it is cached: what it was then}
KNOWN: WeakKeyDictionary[Any, dict[tuple[Any, str], Any]] = WeakKeyDictionary()


class JobLibCollisionWarning(UserWarning):
    """Two functions may have one name, and share a place in the cache."""


def extract_first_line(func_code: str) -> tuple[str, int]:
    """A kept source without its first line, and the number that this says; -1 where it says none."""
    if not func_code.startswith(FIRST_LINE_TEXT):
        return func_code, -1
    first, _, rest = func_code.partition("\n")
    return rest, int(first[len(FIRST_LINE_TEXT) :])


class Code:
    """A cached function's source, read once: in child processes it often cannot be read any more."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self._func = func
        self._code = getattr(func, "__code__", None)
        self._info: tuple[str, str | None, int] | None = None

    @property
    def info(self) -> tuple[str, str | None, int]:
        """Source, file and first line, of the code that the function has now."""
        code = getattr(self._func, "__code__", None)
        if self._info is None or code is not self._code:
            self._code = code
            self._info = get_func_code(self._func)
        return self._info

    def __getstate__(self) -> dict[str, Any]:
        return {"_func": self._func, "_info": self.info}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._code = getattr(self._func, "__code__", None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and (self._func, self.info) == (other._func, other.info)

    __hash__ = None  # type: ignore[assignment]


def is_known(func: Callable[..., Any], place: tuple[Any, str]) -> bool:
    """Whether this very function, with this code, was checked against this place."""
    try:
        return bool(KNOWN.get(func, {}).get(place) == _identity(func))
    except TypeError:  # not hashable, or without weak references
        return False


def keep(func: Callable[..., Any], code: Code, store: StoreBackendMixin, func_id: str) -> None:
    """Write the function's source beside its entries."""
    source, _, first_line = code.info
    store.store_cached_func_code([func_id], f"{FIRST_LINE_TEXT} {first_line}\n{source}")
    if getattr(func, "__name__", "<lambda>") == "<lambda>":
        return
    try:
        KNOWN.setdefault(func, {})[store.location, func_id] = _identity(func)
    except TypeError:
        pass


def _identity(func: Callable[..., Any]) -> Any:
    return id(func), hash(func), getattr(func, "__code__", None)


def warn_of_collision(func: Callable[..., Any], code: Code, kept: str, kept_line: int, stacklevel: int) -> None:
    """The kept source is another: warn where that may be another function of the same name."""
    source, file, first_line = code.info
    _, name = get_func_name(func)
    if kept_line == first_line == -1 or name == "<lambda>":
        where = name if first_line == -1 else f"{name} ({file}:{first_line})"
        _warn(f"Cannot detect name collisions for function '{where}'", stacklevel + 1)
    if kept_line == first_line or file is None:
        return
    if _still_there(file, kept, kept_line, source.count("\n")):
        _warn(
            f"Possible name collisions between functions '{name}' ({file}:{kept_line}) "
            f"and '{name}' ({file}:{first_line})",
            stacklevel + 1,
        )


def _still_there(file: str, kept: str, kept_line: int, lines: int) -> bool:
    """Whether the file has the kept source where that came from: then the function did not move, it is another."""
    if not os.path.exists(file):
        return file.startswith("<doctest ")
    with tokenize.open(file) as source:
        there = source.readlines()[kept_line - 1 : kept_line - 1 + lines]
    return "".join(there).rstrip() == kept.rstrip()


def _warn(text: str, stacklevel: int) -> None:
    warnings.warn(JobLibCollisionWarning(text), stacklevel=stacklevel + 1)
