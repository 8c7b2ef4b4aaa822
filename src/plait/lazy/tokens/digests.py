"""Hashes of buffers: 16 bytes, by the fastest algorithm that is there.

xxhash (the extra plait[hash]) does 20 GB/s, blake2b of the standard library 1. Where it is in one environment and
not in another, tokens of buffers differ between them. Both are imported with the first buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

Hasher = Callable[[Any], bytes]


def _xxhash(buffer: Any) -> bytes:
    from xxhash import xxh3_128_digest

    return xxh3_128_digest(buffer)


def _blake2b(buffer: Any) -> bytes:
    from hashlib import blake2b

    return blake2b(buffer, digest_size=16, usedforsecurity=False).digest()


def _sha1(buffer: Any) -> bytes:
    from hashlib import sha1

    return sha1(buffer, usedforsecurity=False).digest()


@cache
def hashers() -> list[Hasher]:
    """Those that are there, the fastest first."""
    try:
        _xxhash(b"")
    except ImportError:
        return [_blake2b, _sha1]
    return [_xxhash, _blake2b, _sha1]


def hash_buffer(buf: Any, hasher: Hasher | None = None) -> bytes:
    """The hash of an object's bytes, by `hasher` or else the fastest. Raises TypeError for what is no buffer."""
    for each in hashers() if hasher is None else (hasher, *hashers()):
        try:
            return each(buf)
        except (TypeError, OverflowError, BufferError):
            continue  # one may be stricter about buffers than another
    raise TypeError(f"an object of type {type(buf).__name__} cannot be hashed as a buffer; give contiguous bytes")


def hash_buffer_hex(buf: Any, hasher: Hasher | None = None) -> str:
    """As hash_buffer(), in hexadecimal digits."""
    return hash_buffer(buf, hasher).hex()
