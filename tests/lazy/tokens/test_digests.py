"""Hashes of buffers."""

import array
import builtins

import numpy
import pytest

from plait.lazy.tokens import digests
from plait.lazy.tokens.digests import hash_buffer, hash_buffer_hex, hashers

BUFFERS = [b"123", bytearray(b"123"), memoryview(b"123"), array.array("B", b"123"), numpy.frombuffer(b"123", "u1")]


@pytest.mark.parametrize("hasher", [None, *hashers()])
def test_by_content(hasher):
    assert len({hash_buffer(buffer, hasher) for buffer in BUFFERS}) == 1
    assert hash_buffer(b"123", hasher) != hash_buffer(b"124", hasher)
    assert bytes.fromhex(hash_buffer_hex(b"123", hasher)) == hash_buffer(b"123", hasher)
    assert len(hash_buffer(b"123", hasher)) >= 16


def test_a_hasher_that_does_not_take_a_buffer_is_passed_over():
    def strict(buffer):
        raise TypeError("bytes only")

    assert hash_buffer(b"1", strict) == hash_buffer(b"1")


def test_what_is_no_buffer_is_named():
    with pytest.raises(TypeError, match="type list cannot be hashed"):
        hash_buffer([1])


def test_without_xxhash(monkeypatch):
    def absent(name, *rest):
        if name == "xxhash":
            raise ImportError(name)
        return imported(name, *rest)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", absent)
    assert digests.hashers.__wrapped__()[0] is digests._blake2b
