"""Pauses: a greenlet that waits for time to pass, or for the others to be done. Native: see `_native/core.pyx`."""

from plait.green._native.core import idle, sleep

__all__ = ["idle", "sleep"]
