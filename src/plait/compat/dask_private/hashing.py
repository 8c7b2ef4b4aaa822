"""dask.hashing: hashes of buffers, and the list of algorithms."""

from __future__ import annotations

from plait.lazy.tokens import digests
from plait.lazy.tokens.digests import hash_buffer as hash_buffer
from plait.lazy.tokens.digests import hash_buffer_hex as hash_buffer_hex

hashers = digests.hashers()
