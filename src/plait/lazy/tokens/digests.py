"""Hashes of buffers: 16 bytes, by the fastest algorithm that is there.

xxhash (the extra plait[hash]) does 20 GB/s, blake2b of the standard library 1. Where it is in one environment and
not in another, tokens of buffers differ between them.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b, sha1
from typing import Any

Hasher = Callable[[Any], bytes]


def _blake2b(buffer: Any) -> bytes:
    return blake2b(buffer, digest_size=16, usedforsecurity=False).digest()


def _sha1(buffer: Any) -> bytes:
    return sha1(buffer, usedforsecurity=False).digest()


def _found() -> list[Hasher]:
    try:
        import xxhash
    except ImportError:
        return [_blake2b, _sha1]
    return [xxhash.xxh3_128_digest, _blake2b, _sha1]


hashers: list[Hasher] = _found()  # the fastest first


def hash_buffer(buf: Any, hasher: Hasher | None = None) -> bytes:
    """The hash of an object's bytes, by `hasher` or else the fastest. Raises TypeError for what is no buffer."""
    for each in (hasher, *hashers) if hasher is not None else hashers:
        try:
            return each(buf)
        except (TypeError, OverflowError, BufferError):
            continue  # one may be stricter about buffers than another
    raise TypeError(f"an object of type {type(buf).__name__} cannot be hashed as a buffer; give contiguous bytes")


def hash_buffer_hex(buf: Any, hasher: Hasher | None = None) -> str:
    """As hash_buffer(), in hexadecimal digits."""
    return hash_buffer(buf, hasher).hex()
