"""Small functions of dicts, sets, tuples and nested lists."""

from __future__ import annotations

import copy as copying
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any


def ensure_dict(d: Mapping[Any, Any], *, copy: bool = False) -> dict[Any, Any]:
    """The mapping as a dict: itself if it is one, else what it makes of itself (to_dict), else its items."""
    if type(d) is dict:
        return d.copy() if copy else d
    to_dict = getattr(type(d), "to_dict", dict)
    made: dict[Any, Any] = to_dict(d)
    return made


def ensure_set(s: Set[Any], *, copy: bool = False) -> set[Any]:
    """The set as a builtin one: itself if it is one."""
    if type(s) is set:
        return copying.copy(s) if copy else s
    return set(s)


def ndeepmap(n: int, func: Callable[[Any], Any], seq: Any) -> Any:
    """func(x) for each x at depth n of nested lists; at depth 0, of `seq` itself, a list of one for its member."""
    if n == 0:
        return func(seq[0] if isinstance(seq, list) else seq)
    if n == 1:
        return [func(each) for each in seq]
    return [ndeepmap(n - 1, func, each) for each in seq]


def ndimlist(seq: Any) -> int:
    """How deep lists are nested."""
    if not isinstance(seq, list | tuple):
        return 0
    return 1 + (ndimlist(seq[0]) if seq else 0)


def concrete(seq: Any) -> Any:
    """Iterators, at any depth of lists, as lists."""
    if isinstance(seq, Iterator):
        seq = list(seq)
    return [concrete(each) for each in seq] if isinstance(seq, tuple | list) else seq


def deepmap(func: Callable[..., Any], *seqs: Any) -> Any:
    """func of the members of nested lists, those of several side by side."""
    if isinstance(seqs[0], list | Iterator):
        return [deepmap(func, *members) for members in zip(*seqs, strict=False)]
    return func(*seqs)


def homogeneous_deepmap(func: Callable[[Any], Any], seq: Any) -> Any:
    """func of the members of nested lists of equal depth everywhere."""
    depth, inner = 0, seq
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    return [] if isinstance(inner, list) else (ndeepmap(depth, func, seq) if depth else func(seq))


def insert(tup: Sequence[Any], loc: int, val: Any) -> tuple[Any, ...]:
    """The tuple with one member replaced."""
    return (*tup[:loc], val, *tup[loc + 1 :])


def digit(n: int, k: int, base: int) -> int:
    """The k-th digit of n, the last one being the 0-th."""
    return n // int(base**k) % base


def unzip(ls: Iterable[Sequence[Any]], nout: int) -> list[tuple[Any, ...]]:
    """The columns of some rows; `nout` empty ones where there are no rows."""
    return list(zip(*ls, strict=True)) or [()] * nout


def iter_chunks(sizes: Iterable[int], max_size: float) -> Iterator[list[int]]:
    """Neighbouring sizes in lists that sum to at most `max_size`. Raises ValueError for a size beyond that."""
    chunk: list[int] = []
    total = 0
    for size in sizes:
        if size > max_size:
            raise ValueError(f"size {size} is more than max_size={max_size}, so no chunk can hold it")
        if chunk and total + size > max_size:
            yield chunk
            chunk, total = [], 0
        chunk.append(size)
        total += size
    if chunk:
        yield chunk


def is_namedtuple_instance(obj: Any) -> bool:
    """Whether an object is a named tuple, with all that namedtuple() gives one."""
    return isinstance(obj, tuple) and all(hasattr(obj, name) for name in _OF_NAMED_TUPLES)


_OF_NAMED_TUPLES = ("_make", "_asdict", "_replace", "_fields", "_field_defaults")


def stringify(obj: Any, exclusive: Any = None) -> Any:
    """An object as text, as keys of messages are written; text and bytes stay as they are.

    exclusive: values (keys of a graph); then only these become text, wherever they stand in lists, tuples and dicts'
        values.
    """
    if type(obj) in (str, bytes):
        return obj
    if exclusive is None:
        return str(obj)
    if type(obj) is list:
        return [stringify(each, exclusive) for each in obj]
    if type(obj) is dict:
        return {key: stringify(value, exclusive) for key, value in obj.items()}
    if _is_in(obj, exclusive):
        return str(obj)
    return tuple([stringify(each, exclusive) for each in obj]) if type(obj) is tuple else obj


def _is_in(obj: Any, values: Any) -> bool:
    try:
        return obj in values
    except TypeError:  # what has no hash is no key
        return False
