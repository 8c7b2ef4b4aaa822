"""The recording side: on or off, emit, collect.

Protocol: a session runs from start() to stop(). Each thread writes into a native ring of its own (the oldest events are
overwritten when it is full; `dropped()` says how many). Worker processes start() too, send what `drain()` gives, plain
tuples, with their results, and the parent hands it to `absorb()`: stop() returns both kinds, sorted by time.

Hot paths test the flag themselves, through the module, so that being off costs one attribute and one branch:

    from plait.trace import ring
    if ring.enabled:
        ring.emit("green", "wait", waiter_id, begin_ns=begin, end_ns=ring.now_ns())

C callers go through the capsule in `_native/ring.h`. Cost: see benchmarks/trace/cost.py.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

from plait.trace import _ring
from plait.trace._ring import dropped, emit, now_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from plait.trace.events import Event, RawEvent

__all__ = ["absorb", "drain", "dropped", "emit", "enabled", "is_enabled", "now_ns", "span", "start", "stop"]

enabled = False  # written by start() and stop() alone; the native flag follows it
_absorbed: list[RawEvent] = []


def start(capacity: int = 65536) -> None:
    """Forget earlier events and record, keeping the last `capacity` events of each thread."""
    global enabled
    _ring.start(capacity)
    _absorbed.clear()
    enabled = True


def stop() -> list[Event]:
    """Stop recording. Returns all events, this process's and absorbed ones, sorted by their beginning."""
    global enabled
    from plait.trace.events import Event

    enabled = False
    _ring.halt()
    return sorted(map(Event._make, drain()), key=_begin)


def is_enabled() -> bool:
    """Whether events are recorded now."""
    return enabled


def drain() -> list[RawEvent]:
    """Take the events so far, as plain tuples, absorbed ones included; recording goes on. Sorted by nothing."""
    events = _ring.drain()
    events += _absorbed
    _absorbed.clear()
    return events


def absorb(events: Iterable[RawEvent]) -> None:
    """Add another process's drained events to this session; they are let go where nobody records."""
    if enabled:
        _absorbed.extend(events)


def span(
    layer: str, kind: str, id: int = 0, parent: int = 0, bytes: int = 0, name: str | None = None
) -> AbstractContextManager[None]:
    """Record a `with` block as one event with a beginning and an end, also where it raises."""
    return _Span(layer, kind, id, parent, bytes, name) if enabled else _NOTHING


_NOTHING = nullcontext()


class _Span:
    """The block of one span(): the beginning is taken on entry, the event emitted on exit."""

    __slots__ = ("_begin_ns", "_fields")

    def __init__(self, *fields: *tuple[str, str, int, int, int, str | None]) -> None:
        self._fields = fields
        self._begin_ns = 0

    def __enter__(self) -> None:
        self._begin_ns = now_ns()

    def __exit__(self, *raised: object) -> None:
        layer, kind, id, parent, bytes, name = self._fields
        emit(layer, kind, id, parent, self._begin_ns, now_ns(), bytes, name)


def _begin(event: Event) -> int:
    return event.begin_ns


def _forget_parent() -> None:
    """In a forked child the rings hold the parent's events and the parent's worker ids."""
    _ring.clear()
    _absorbed.clear()


os.register_at_fork(after_in_child=_forget_parent)
