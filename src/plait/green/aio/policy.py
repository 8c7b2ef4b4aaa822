"""The policy that makes `asyncio.run` and the like use loops on the hub.

    asyncio.set_event_loop_policy(EventLoopPolicy())

Each greenlet has a current loop of its own. Python 3.14 deprecates policies; `asyncio.Runner(loop_factory=EventLoop)`
and `aio.run` need none. Children are watched by descriptor, in whatever thread the loop runs.
"""

from __future__ import annotations

from asyncio import unix_events

from plait.green.aio.loop import EventLoop
from plait.green.local import local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["EventLoopPolicy"]

_base: Any = getattr(unix_events, "_DefaultEventLoopPolicy", None) or unix_events._UnixDefaultEventLoopPolicy


class _PerGreenlet(local):
    """What the standard library's policy keeps per thread."""

    _loop: Any = None
    _set_called = False


class EventLoopPolicy(_base):  # type: ignore[misc]  # its name depends on the version
    """Makes loops of `EventLoop`."""

    _loop_factory = EventLoop

    def __init__(self) -> None:
        super().__init__()
        self._local = _PerGreenlet()
