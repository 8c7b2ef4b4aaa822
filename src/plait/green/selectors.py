"""Cooperative selectors: `DefaultSelector` waits in the hub. Everything else is the standard library's.

A selector has a set of descriptors of its own in the kernel (epoll); the greenlet waits for that set's one descriptor.
So a wait costs the same however many descriptors are registered.
"""

from __future__ import annotations

import selectors as _stdlib
from types import ModuleType
from typing import Any

from plait.green import select
from plait.green.hub import current
from plait.green.poller import READ
from plait.green.timeout import deadline_after
from plait.green.waits import wait_for

__all__ = ["EVENT_READ", "EVENT_WRITE", "BaseSelector", "DefaultSelector", "GeventSelector", "SelectorKey"]

#: What patching puts in place of the standard library's, and what has no cooperative counterpart.
__implements__ = ["DefaultSelector"]
__removes__ = ["EpollSelector", "KqueueSelector", "DevpollSelector"]

EVENT_READ = _stdlib.EVENT_READ
EVENT_WRITE = _stdlib.EVENT_WRITE
BaseSelector = _stdlib.BaseSelector
SelectorKey = _stdlib.SelectorKey


def __getattr__(name: str) -> Any:
    return getattr(_stdlib, name)


def _gevent_did_monkey_patch(target: ModuleType, items: list[str], warn: Any) -> None:
    """The classes hold on to the functions that they found: exchange those in place."""
    _stdlib.SelectSelector._select = staticmethod(select.select)  # type: ignore[attr-defined]
    _stdlib.PollSelector._selector_cls = select.poll  # type: ignore[attr-defined]


class GeventSelector(_stdlib.EpollSelector):
    """A selector whose select() parks the greenlet. The name is the one that gevent's has."""

    def __init__(self, hub: object = None) -> None:
        """hub: ignored; a call waits in the hub of its own thread."""
        super().__init__()

    def register(self, fileobj: Any, events: int, data: Any = None) -> _stdlib.SelectorKey:
        """Watch fileobj for events. Raises ValueError where it is closed, as far as that can be told."""
        if getattr(fileobj, "fileno", lambda: fileobj)() == self.fileno():
            raise ValueError(f"Invalid file descriptor: {fileobj!r} was closed, and its number is now this selector's")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[_stdlib.SelectorKey, int]]:
        """(key, events) of what is ready. timeout: seconds; None waits for ever, 0 or less not at all."""
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            hub = current()
            if hub is not None and not hub.in_callback():
                hub.yield_turn()
            return found
        deadline = deadline_after(timeout)
        while not found and wait_for(self.fileno(), READ, deadline, sticky=True):
            found = super().select(0)
        return found

    def close(self) -> None:
        """Drop all registrations and give the kernel's object back."""
        hub = current()
        if hub is not None and self._map is not None:  # type: ignore[attr-defined]
            hub.descriptors.closing(self.fileno())
        super().close()


DefaultSelector = GeventSelector
