"""Partitions that functions of users make: from_map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from plait.lazy.dataframe.elementwise import MapPartitions
from plait.lazy.dataframe.expression import FrameExpression, unknown
from plait.lazy.dataframe.io.pieces import FromPieces
from plait.lazy.dataframe.metas import empty_of, make_meta
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.functions import funcname

NO_DEFAULT = "__no_default__"


class FromMap(FromPieces):
    """function(*piece, *args, **keywords) for each of pieces.

    like: Wrapped meta; bounds: divisions, or None; enforce: check results against the meta; prefix_given: of the name.
    """

    parameters = ("function", "pieces", "args", "keywords", "like", "bounds", "enforce", "prefix_given")
    defaults = {"bounds": None, "enforce": False, "prefix_given": None}
    label = "from-map"

    @property
    def prefix(self) -> str:
        return str(self.prefix_given or funcname(self.function))

    @cached_property
    def meta(self) -> Any:
        return self.like.held

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return tuple(self.bounds) if self.bounds is not None else unknown(len(self.pieces))

    def reader(self) -> Callable[[Any], Any]:
        return _Call(self.function, self.args, self.keywords, self.like if self.enforce else None)


class _Call:
    """Calls a function with a piece."""

    def __init__(self, function: Any, args: Any, keywords: Any, like: Any) -> None:
        self._function, self._args, self._keywords, self._like = function, args, keywords, like
        self.__name__ = funcname(function)

    def __dask_tokenize__(self) -> Any:
        return "Call", self._function, self._args, self._keywords

    def __call__(self, piece: Sequence[Any]) -> Any:
        found = self._function(*piece, *self._args, **self._keywords)
        if self._like is None:
            return found
        return MapPartitions.operation(_given, (found,), {}, self._like, True, True)


def _given(found: Any) -> Any:
    return found


def mapped(
    func: Callable[..., Any],
    iterables: Sequence[Any],
    args: Any,
    meta: Any,
    divisions: Any,
    label: str | None,
    enforce_metadata: bool,
    keywords: dict[str, Any],
) -> FrameExpression:
    """The expression of from_map()."""
    if not callable(func):
        raise ValueError(f"`func` argument must be `callable`, got {type(func).__name__}")
    lists = []
    for each in iterables:
        if not hasattr(each, "__iter__"):
            raise ValueError(f"All elements of `iterables` must be Iterable, got {type(each).__name__}")
        lists.append(list(each))
    counts = {len(each) for each in lists}
    if len(counts) != 1:
        raise ValueError(
            f"All `iterables` must have the same length, and there must be one; got {sorted(counts) or 'none'}"
        )
    pieces = tuple(zip(*lists, strict=True))
    if not pieces:
        raise ValueError("All `iterables` must have a non-zero length")
    if divisions is not None and len(divisions) != len(pieces) + 1:
        raise ValueError(f"divisions must be one more than the {len(pieces)} partitions, got {len(divisions)}")
    like = func(*pieces[0], *args, **keywords) if meta is NO_DEFAULT else meta
    like = empty_of(like) if meta is NO_DEFAULT else make_meta(like)
    bounds = None if divisions is None else tuple(divisions)
    return FromMap(func, pieces, tuple(args), keywords, Wrapped(like), bounds, enforce_metadata, label)
