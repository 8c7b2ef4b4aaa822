"""map_blocks and blockwise: functions of users on blocks, as functions and as a method, a mixin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.lazy.array import applying


class Mapping:
    """A mixin of `Array`."""

    def map_blocks(self: Any, func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """func(block, *args) for each block. options: as of plait.lazy.array.map_blocks."""
        return self.of(applying.map_blocks(func, self, *args, **options))
