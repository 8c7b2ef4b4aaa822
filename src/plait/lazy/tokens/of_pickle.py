"""Buffers that a class gives to pickle: by their bytes."""

from __future__ import annotations

from pickle import PickleBuffer
from typing import Any

from plait.lazy.tokens.digests import hash_buffer_hex
from plait.lazy.tokens.normal import normalize_token


@normalize_token.register(PickleBuffer)
def _buffer(value: PickleBuffer) -> Any:
    return "buffer", hash_buffer_hex(value.raw())
