"""Arrow's types, arrays and tables: their types and the bytes of their buffers.

A buffer of "nothing is missing" counts as none, since Arrow leaves it out at its own choice. Rejected: the bytes of an
IPC stream, which are more than the buffers.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from plait.lazy.tokens.digests import hash_buffer_hex
from plait.lazy.tokens.normal import normalize_token


@normalize_token.register((pa.DataType, pa.Field))
def _type(value: Any) -> Any:
    return "arrow", pa.schema([pa.field("", value) if isinstance(value, pa.DataType) else value]).serialize()


@normalize_token.register(pa.Schema)
def _schema(value: pa.Schema) -> Any:
    return "arrow", value.serialize()


@normalize_token.register((pa.Table, pa.RecordBatch))
def _table(value: Any) -> Any:
    return type(value).__name__, value.schema, value.columns


@normalize_token.register(pa.ChunkedArray)
def _chunked(value: pa.ChunkedArray) -> Any:
    return type(value).__name__, value.type, value.chunks


@normalize_token.register(pa.Array)
def _array(value: pa.Array) -> Any:
    buffers = value.buffers()
    if buffers and value.null_count == 0:
        buffers[0] = None
    return type(value).__name__, value.type, len(value), value.offset, buffers


@normalize_token.register(pa.Buffer)
def _buffer(value: pa.Buffer) -> Any:
    return "buffer", hash_buffer_hex(value)
