"""Sizes of Arrow's tables and columns: their buffers."""

from __future__ import annotations

import pyarrow as pa

from plait.lazy.sizes import sizeof

_OVERHEAD = 1000


@sizeof.register(pa.Table)
def _table(x: pa.Table) -> int:
    return _OVERHEAD + sizeof(x.schema.metadata) + sum(map(_buffers, x.itercolumns()))


@sizeof.register(pa.ChunkedArray)
def _column(x: pa.ChunkedArray) -> int:
    return _OVERHEAD + _buffers(x)


@sizeof.register(pa.Array)
def _array(x: pa.Array) -> int:
    return _OVERHEAD + sum(int(buffer.size) for buffer in x.buffers() if buffer is not None)


def _buffers(column: pa.ChunkedArray) -> int:
    return sum(buffer.size for chunk in column.iterchunks() for buffer in chunk.buffers() if buffer is not None)
