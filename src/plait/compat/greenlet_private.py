"""The names of greenlet's private module, over plait's core.

Programs read a few of them, mostly in tests and monitoring: counts, constants, a switch for a cleanup that plait does
not need, and a greenlet whose switches can be made to fail.
"""

import os
import threading
from typing import Any

from plait.greenlet import _C_API as _C_API
from plait.greenlet import GreenletExit as GreenletExit
from plait.greenlet import _core
from plait.greenlet import error as error
from plait.greenlet import getcurrent as getcurrent
from plait.greenlet import gettrace as gettrace
from plait.greenlet import greenlet as greenlet
from plait.greenlet import settrace as settrace

CLOCKS_PER_SEC = 1_000_000  # POSIX fixes it
GREENLET_USE_CONTEXT_VARS = True
GREENLET_USE_GC = True
GREENLET_USE_STANDARD_THREADING = True
GREENLET_USE_TRACING = True

_cleanup_enabled = True
_thread_values = threading.local()

if hasattr(_core, "trash_nesting"):  # interpreters before 3.13
    get_tstate_trash_delete_nesting = _core.trash_nesting


def enable_optional_cleanup(flag: object) -> None:
    """Kept for callers: plait releases an ended thread's greenlets without searching the heap for them."""
    global _cleanup_enabled
    _cleanup_enabled = bool(flag)


def get_clocks_used_doing_optional_cleanup() -> int | None:
    """Processor time spent on that search, which is none; None where it is disabled."""
    return 0 if _cleanup_enabled else None


def get_pending_cleanup_count() -> int:
    """Ended threads whose greenlets wait for their release: none, it happens when the thread ends."""
    return 0


def get_total_main_greenlets() -> int:
    """How many threads have a main greenlet."""
    return int(_core.stats()["threads"])


def set_thread_local(key: str, value: object) -> None:
    """Keep `value` for as long as this thread lives."""
    setattr(_thread_values, key, value)


class UnswitchableGreenlet(greenlet):  # type: ignore[misc, unused-ignore]  # where the core has no stub
    """A greenlet whose next switch fails while one of its two flags is set.

    force_switch_error: the switch raises SystemError and nothing else happens.
    force_slp_switch_error: the process is aborted, as it is where stacks are damaged in the middle of a switch.
    """

    force_switch_error: bool = False
    force_slp_switch_error: bool = False

    def switch(self, *args: Any, **kwargs: Any) -> Any:
        if self.force_slp_switch_error:
            os.abort()
        if self.force_switch_error:
            target = "a running greenlet" if self else "a greenlet for the first time"
            raise SystemError(f"Failed to switch stacks into {target}.")
        return super().switch(*args, **kwargs)
