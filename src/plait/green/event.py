"""Event and AsyncResult: one thing happens, and everybody who waits for it goes on.

An Event is a flag that may be set and cleared any number of times. An AsyncResult is unset, then has a value or an
exception. Both may be used between threads. Waking n waiters costs n run-queue entries. Native: see `_native/sync.pyx`.
"""

from plait.green._native.sync import AsyncResult, Event

__all__ = ["AsyncResult", "Event"]
