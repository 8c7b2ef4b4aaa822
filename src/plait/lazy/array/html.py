"""How notebooks show an array: what is known of it before it is computed; a mixin."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from plait.lazy.units import format_bytes


class Showing:
    """A mixin of `Array`."""

    def _repr_html_(self: Any) -> str:
        blocks = math.prod(self.numblocks)
        known = not any(math.isnan(each) for each in self.shape)
        size = format_bytes(self.nbytes) if known else "unknown"
        largest = format_bytes(math.prod(self.chunksize) * self.dtype.itemsize) if known else "unknown"
        kind = type(self._meta)
        lines = [
            ("Bytes", size, largest),
            ("Shape", _of(self.shape), _of(self.chunksize)),
            ("Chunks", f"{blocks} in {_of(self.numblocks)}", f"{self.name.rpartition('-')[0]}"),
            ("Data type", f"{self.dtype}", f"{kind.__module__.partition('.')[0]}.{kind.__name__}"),
        ]
        rows = "".join(
            f"<tr><th>{name}</th><td>{escape(whole)}</td><td>{escape(block)}</td></tr>" for name, whole, block in lines
        )
        return f"<table><thead><tr><td></td><th>Array</th><th>Chunk</th></tr></thead><tbody>{rows}</tbody></table>"


def _of(sizes: Any) -> str:
    return f"({', '.join('?' if math.isnan(each) else str(each) for each in sizes)})"
