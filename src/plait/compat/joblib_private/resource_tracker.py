"""joblib.externals.loky.backend.resource_tracker: there is none, since plait leaves nothing named behind a process.

What programs set or start here has no effect; a file that they register for deletion is theirs.
"""

from __future__ import annotations


class _NoTracker:
    """In place of the tracking process's handle: never started."""

    _fd: int | None = None
    _pid: int | None = None


VERBOSE = False
_resource_tracker = _NoTracker()


def ensure_running() -> None:
    """Nothing is started."""
