from collections.abc import Callable
from contextvars import Context
from types import FrameType, TracebackType
from typing import Any, ClassVar, TypedDict

_TraceFunction = Callable[[str, tuple[greenlet, greenlet]], object]

class error(Exception): ...
class GreenletExit(BaseException): ...

class greenlet:
    """A coroutine with a stack of its own, switched to by hand."""

    getcurrent: ClassVar[Callable[[], greenlet]]
    settrace: ClassVar[Callable[[_TraceFunction | None], _TraceFunction | None]]
    gettrace: ClassVar[Callable[[], _TraceFunction | None]]
    error: ClassVar[type[Exception]]
    GreenletExit: ClassVar[type[BaseException]]

    run: Callable[..., Any]
    parent: greenlet | None
    gr_context: Context | None
    def __init__(self, run: Callable[..., Any] | None = None, parent: greenlet | None = None) -> None: ...
    @property
    def dead(self) -> bool: ...
    @property
    def gr_frame(self) -> FrameType | None: ...
    @property
    def _stack_saved(self) -> int: ...
    def __bool__(self) -> bool: ...
    def switch(self, *args: Any, **kwargs: Any) -> Any: ...
    def throw(
        self,
        type: type[BaseException] | BaseException = ...,
        value: BaseException | object | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> Any: ...

class _Stats(TypedDict):
    slots: int
    used: int
    mappings: int
    evictions: int
    restores: int
    slot_bytes: int
    max_stacks: int
    guard: str
    threads: int

_C_API: object
_LAYER_API: object

def getcurrent() -> greenlet: ...
def settrace(callback: _TraceFunction | None, /) -> _TraceFunction | None: ...
def gettrace() -> _TraceFunction | None: ...
def stats() -> _Stats: ...
def trash_nesting() -> int: ...  # CPython 3.11 and 3.12
def fail_allocation(n: int, /) -> None: ...  # debug builds
