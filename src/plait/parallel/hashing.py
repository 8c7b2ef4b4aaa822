"""hash: what a value is known by. The digests are joblib's, so that caches survive a move.

The digest is taken over a stream: the value as a pickle of protocol 3 would write it, but for what makes equal values
differ.

- Text and bytes are written in full each time; which equal ones happen to be one object does not matter.
- A dict's items come in the order of its keys, a set's elements in theirs; where they have no order, in that of their
digests. - Methods, which a pickle can not have, are their name, their object and its class.
- An array's bytes go into the hash directly, before the stream; the stream has its class, shape and strides. A dtype
goes the
  same way, since equal ones may be one object or two. Arrays of objects are written as pickles are.

The stream is written by `_native.digest`; stdlib's pickler in Python, which joblib extends, costs 5 to 15 times as
much. Rejected: the stdlib's native pickler, which numbers text and has no place for another order.
A frozenset of texts has another digest in each process, as in joblib: their order is that of the process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from plait.parallel._native import digest

_JOBLIBS = ("md5", "sha1")


def _algorithm(hash_name: str) -> Callable[..., digest.Sum]:
    """What makes the hash object of a name."""
    if hash_name == "md5":
        return digest.MD5
    if hash_name == "sha1":
        return digest.SHA1
    if hash_name == "xxh3":
        return _xxh3()
    raise ValueError(
        f"Valid options for 'hash_name' are {_JOBLIBS}, and 'xxh3' with the package xxhash. "
        f"Got hash_name={hash_name!r} instead."
    )


def _xxh3() -> Callable[..., digest.Sum]:
    try:
        import xxhash
    except ImportError as error:
        raise ImportError(
            "hash_name='xxh3' needs the package xxhash, which is not installed: pip install xxhash"
        ) from error
    return xxhash.xxh3_128


class Hasher(digest.Hasher):
    """One digest. A subclass may replace `save(obj)`, which adds a value, and may write to the hash object `_hash`."""

    def __init__(self, hash_name: str = "md5", coerce_mmap: bool = False) -> None:
        super().__init__(_algorithm(hash_name), coerce_mmap, sys.modules.get("numpy"))


def hash(obj: Any, hash_name: str = "md5", coerce_mmap: bool = False) -> str:
    """The digest of a value as hexadecimal text: the same for equal values, in every process.

    hash_name: "md5" and "sha1", whose digests are joblib's; "xxh3", many times as fast on arrays, with the package
    xxhash. coerce_mmap: an array that is mapped from a file has the digest of one in memory.
    Raises PicklingError where a part of the value has no name, as a lambda, or can not be pickled.
    """
    return digest.digest(obj, digest.MD5 if hash_name == "md5" else _algorithm(hash_name), coerce_mmap)
