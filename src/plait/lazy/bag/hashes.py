"""Which partition a key belongs to: the same one for equal keys, in every process.

Python's own hash of text differs between processes, and a content token differs for 1 and 1.0, which are one key.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any
from zlib import crc32

from plait.lazy.tokens import tokenize

_MASK = (1 << 64) - 1


def partition_of(key: Any, count: int) -> int:
    """The number of the partition, of `count`, for a key."""
    return stable_hash(key) % count


def stable_hash(key: Any) -> int:
    """A number of 32 bits that is equal for equal keys: numbers, text, bytes, None, tuples and frozensets of such.

    Of other keys those are equal that have equal tokens.
    """
    known = _KNOWN.get(type(key))
    if known is not None:
        return known(key)
    for kind, function in _KNOWN.items():
        if isinstance(key, kind):
            return function(key)
    if isinstance(key, Number):
        return _of_number(key)
    return crc32(tokenize(key).encode())


def _of_number(key: Any) -> int:
    value = hash(key) if key == key else 0  # noqa: PLR0124 - the hash of a NaN is its address
    return crc32((value & _MASK).to_bytes(8, "little"))


def _of_text(key: str) -> int:
    return crc32(key.encode("utf-8", "surrogatepass"))


def _of_tuple(key: tuple[Any, ...]) -> int:
    return crc32(b"".join([stable_hash(member).to_bytes(4, "little") for member in key]), 1)


def _of_frozenset(key: frozenset[Any]) -> int:
    return crc32(sum(map(stable_hash, key)).to_bytes(16, "little"), 2)


_KNOWN: dict[type, Callable[[Any], int]] = {
    int: _of_number,
    float: _of_number,
    complex: _of_number,
    str: _of_text,
    bytes: crc32,
    type(None): lambda _: 3,
    tuple: _of_tuple,
    frozenset: _of_frozenset,
}
