"""Functions about functions: their names and parameters, and small ones that can be pickled.

What `operator` and `inspect` have does not do where a task's function goes to another process, names its key, or is
of a library whose functions are objects.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

_NAME_LENGTH = 50


def funcname(func: Callable[..., Any]) -> str:
    """A function's name for keys: at most 50 characters, `lambda` for what has none."""
    while isinstance(func, functools.partial):
        func = func.func
    inner = getattr(func, "pyfunc", None)  # numpy.vectorize
    if inner is not None:
        return f"{type(func).__name__}_{funcname(inner)}"[:_NAME_LENGTH]
    name = getattr(func, "__name__", None) or getattr(func, "name", None)  # the latter: multipledispatch
    if not isinstance(name, str):
        name = type(func).__name__
    return "lambda" if name == "<lambda>" else name[:_NAME_LENGTH]


def typename(typ: Any, short: bool = False) -> str:
    """The full name of a type, or of an object's. short: with the first part of its module only."""
    kind = typ if isinstance(typ, type) else type(typ)
    module = kind.__module__
    if not module or module == "builtins":
        return kind.__name__
    return f"{module.partition('.')[0] if short else module}.{kind.__name__}"


def apply(func: Callable[..., Any], args: Iterable[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
    """func(*args, **kwargs)"""
    return func(*args, **(kwargs or {}))


def partial_by_order(*args: Any, **kwargs: Any) -> Any:
    """kwargs["function"](*args) with the further arguments of kwargs["other"], (place, value) pairs, put in between."""
    function, placed = kwargs.pop("function"), kwargs.pop("other")
    positional = list(args)
    for place, value in placed:
        positional.insert(place, value)
    return function(*positional, **kwargs)


# -- parameters --------------------------------------------------------------------------------------------------


def has_keyword(func: Callable[..., Any], keyword: str) -> bool:
    """Whether a function has a parameter of that name; False where it does not say."""
    from inspect import signature

    try:
        return keyword in signature(func).parameters
    except (TypeError, ValueError):
        return False


def takes_multiple_arguments(func: Callable[..., Any], varargs: bool = True) -> bool:
    """Whether a function takes more than one positional argument; True where it does not say.

    varargs: what *args counts as.
    """
    from inspect import Parameter, signature

    try:
        parameters = signature(func).parameters.values()
    except (TypeError, ValueError):
        return func not in _ONE_ARGUMENT
    if varargs and any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        return True
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    required = [each for each in parameters if each.kind in positional and each.default is Parameter.empty]
    return len(required) > 1


_ONE_ARGUMENT = frozenset({bool, bytes, dict, float, int, iter, max, min, next, set, str, tuple, list, type, range})


# -- functions that can be pickled -------------------------------------------------------------------------------


class methodcaller:
    """A function that calls a method of its first argument. One object a name, in every process."""

    __slots__ = ("method",)
    _made: ClassVar[dict[str, methodcaller]] = {}

    method: str

    def __new__(cls, method: str) -> methodcaller:
        found = cls._made.get(method)
        if found is None:
            found = object.__new__(cls)
            found.method = method
            found = cls._made.setdefault(method, found)
        return found

    @property
    def func(self) -> str:
        return self.method

    @property
    def __name__(self) -> str:
        return self.method

    def __call__(self, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(__obj, self.method)(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return methodcaller, (self.method,)

    def __repr__(self) -> str:
        return f"<methodcaller: {self.method}>"


class MethodCache:
    """`M.name` is methodcaller("name")."""

    def __getattr__(self, name: str) -> methodcaller:
        return methodcaller(name)

    def __dir__(self) -> list[str]:
        return sorted(methodcaller._made)


M = MethodCache()


class itemgetter:
    """A function that takes one item of its argument; equal to another one of the same index."""

    __slots__ = ("index",)

    def __init__(self, index: Any) -> None:
        self.index = index

    def __call__(self, x: Any) -> Any:
        return x[self.index]

    def __reduce__(self) -> tuple[Any, ...]:
        return itemgetter, (self.index,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, itemgetter) and bool(self.index == other.index)

    def __hash__(self) -> int:
        return hash((itemgetter, self.index))
