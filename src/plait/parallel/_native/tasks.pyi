from collections.abc import Callable
from typing import Any

from plait.parallel._native.progress import Progress

class TaskLoop:
    def __init__(self, progress: Progress) -> None: ...
    def interruptible(self) -> bool: ...
    def run(
        self,
        slot: int,
        first: int,
        function: Callable[..., Any] | None,
        calls: list[Any],
        unary: bool,
        keep: Callable[[Any], object],
        flush: Callable[[], object],
        call: int,
    ) -> bool: ...

def trim_memory() -> None: ...
