"""map_blocks as a method: a mixin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.lazy.array.blockwise import map_blocks


class Mapping:
    """A mixin of `Array`."""

    def map_blocks(self: Any, func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """func(block, *args) for each block. options: as of plait.lazy.array.map_blocks."""
        return self.of(map_blocks(func, self, *args, **options))
