"""Names of dask.utils that plait itself has no use for."""

from __future__ import annotations

import codecs
import functools
import gc
import inspect
import warnings
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from importlib import import_module
from itertools import accumulate
from types import ModuleType
from typing import Any

from plait.lazy.functions import typename

# -- text and bytes ----------------------------------------------------------------------------------------------


def ensure_bytes(s: Any) -> bytes:
    """Text or a buffer as bytes. Raises TypeError for anything else."""
    if isinstance(s, bytes):
        return s
    try:
        return s.encode() if hasattr(s, "encode") else bytes(memoryview(s))
    except TypeError as error:
        raise TypeError(f"Object {s!r} is neither text nor a buffer of bytes; give one of these") from error


def ensure_unicode(s: Any) -> str:
    """Text, or a buffer of UTF-8, as text. Raises TypeError for anything else."""
    if isinstance(s, str):
        return s
    try:
        return codecs.decode(s)
    except TypeError as error:
        raise TypeError(f"Object {s!r} is neither text nor a buffer of UTF-8; give one of these") from error


def asciitable(columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table in plain characters, with a line around it."""
    table = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    shown = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in table]
    return "\n".join([rule, shown[0], rule, *shown[1:], rule])


def maybe_pluralize(count: int, noun: str, plural_form: str | None = None) -> str:
    """ "1 file", "2 files"."""
    return f"{count} {noun if count == 1 else plural_form or f'{noun}s'}"


def natural_sort_key(s: str) -> list[str | int]:
    """A key that sorts the numbers in names by their value: f2 before f10."""
    import re

    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", s)]


# -- functions and modules ---------------------------------------------------------------------------------------


def getargspec(func: Any) -> inspect.FullArgSpec:
    """The parameters of a function; of what a wrapper or partial function calls, of a class's __init__."""
    if isinstance(func, functools.partial):
        return getargspec(func.func)
    func = inspect.unwrap(func)
    return inspect.getfullargspec(vars(func).get("__init__", func) if isinstance(func, type) else func)


def import_required(mod_name: str, error_msg: str) -> ModuleType:
    """A module. Raises RuntimeError with that message where it is not installed."""
    try:
        return import_module(mod_name)
    except ImportError as error:
        raise RuntimeError(error_msg) from error


def get_meta_library(like: Any) -> ModuleType:
    """The library of an array or frame, or of what a lazy one will be."""
    return import_module(typename(getattr(like, "_meta", like), short=True).partition(".")[0])


def _deprecated(
    *,
    version: str | None = None,
    after_version: str | None = None,
    message: str | None = None,
    use_instead: str | None = None,
    category: type[Warning] = FutureWarning,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function warn at each call that it will go, with `message` or a text made of the rest."""
    since = f"was deprecated in version {version}" if version is not None else "is deprecated"
    since = f"was deprecated after version {after_version}" if after_version is not None else since
    remedy = f" Please use {use_instead} instead." if use_instead is not None else ""

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        text = message or f"{func.__name__} {since} and will be removed in a future release.{remedy}"

        @functools.wraps(func)
        def warn(*args: Any, **kwargs: Any) -> Any:
            warnings.warn(text, category=category, stacklevel=2)
            return func(*args, **kwargs)

        return warn

    return decorate


class IndexCallable:
    """x[key] for fn(key)."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self.fn = fn

    def __getitem__(self, key: Any) -> Any:
        return self.fn(key)


class OperatorMethodMixin:
    """A base for classes whose operators are all made by two of their methods."""

    __slots__ = ()
    _UNARY = ("abs", "invert", "neg", "pos")
    _NOT_REFLECTED = ("eq", "gt", "ge", "lt", "le", "ne", "getitem")

    @classmethod
    def _bind_operator(cls, op: Callable[..., Any]) -> None:
        """Add the methods of one function of the module operator."""
        name = {"inv": "invert"}.get(op.__name__, op.__name__.rstrip("_"))
        if name in cls._UNARY:
            setattr(cls, f"__{name}__", cls._get_unary_operator(op))
            return
        setattr(cls, f"__{name}__", cls._get_binary_operator(op))
        if name not in cls._NOT_REFLECTED:
            setattr(cls, f"__r{name}__", cls._get_binary_operator(op, inv=True))

    @classmethod
    def _get_unary_operator(cls, op: Callable[..., Any]) -> Callable[..., Any]:
        raise NotImplementedError(f"{cls.__name__} has no operators of one operand; give it _get_unary_operator")

    @classmethod
    def _get_binary_operator(cls, op: Callable[..., Any], inv: bool = False) -> Callable[..., Any]:
        raise NotImplementedError(f"{cls.__name__} has no operators of two operands; give it _get_binary_operator")


class cached_property(functools.cached_property[Any]):
    """functools.cached_property that cannot be set."""

    def __set__(self, instance: object, value: object) -> None:
        raise AttributeError("Can't set attribute; it is computed once, when it is first asked for")


class disable_gc(ContextDecorator):
    """Within it, Python's cycle collector rests. collect: ignored, as in dask."""

    def __init__(self, collect: bool = False) -> None:
        self.collect = collect

    def __enter__(self) -> disable_gc:
        self._was_enabled = gc.isenabled()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        if self._was_enabled:
            gc.enable()


# -- sums that are asked for again and again ---------------------------------------------------------------------


class _Same:
    """A tuple that is equal to itself alone, so that asking for it costs nothing however long it is."""

    __slots__ = ("value",)

    def __init__(self, value: tuple[Any, ...]) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


@functools.lru_cache
def _cumsum(seq: _Same | tuple[Any, ...], initial_zero: bool) -> tuple[Any, ...]:
    return tuple(accumulate(seq.value if isinstance(seq, _Same) else seq, initial=0 if initial_zero else None))


@functools.lru_cache
def _max(seq: _Same) -> Any:
    return max(seq.value)


def cached_cumsum(seq: Iterable[Any], initial_zero: bool = False) -> tuple[Any, ...]:
    """The sums of all beginnings, kept for that tuple. initial_zero: with 0 in front."""
    return _cumsum(_Same(seq) if isinstance(seq, tuple) else tuple(seq), initial_zero)


def cached_max(seq: tuple[Any, ...]) -> Any:
    """The largest member, kept for that tuple."""
    return _max(_Same(seq))
