"""Tracers: whether a thread's greenlets switch, seen from the greenlet trace function.

A tracer is installed when it is made and calls the trace function that it found; `kill`, in the same thread, puts that
one back. `blocked()` says whether the greenlet that runs has not switched since the last call, and may be asked from
another thread: then it may miss a switch that happens that moment, which costs one report.
"""

from __future__ import annotations

import sys
import time
import traceback
from _thread import get_ident
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.greenlet import getcurrent, settrace

if TYPE_CHECKING:
    from plait.green.hub import Hub

__all__ = ["HubSwitchTracer", "LongestRunTracer", "SwitchTracer"]

Trace = Callable[[str, tuple[Any, Any]], object]


class SwitchTracer:
    """Blocked: no switch at all."""

    def __init__(self) -> None:
        self.switches = 0  # since `blocked` was last asked
        self.active_greenlet: Any = None  # the one switched to last; None: not to be judged
        self.thread_ident = get_ident()
        self._killed = False
        self.previous_trace_function: Trace | None = settrace(self)

    def __call__(self, event: str, args: tuple[Any, Any]) -> None:
        self.switches += 1
        self.active_greenlet = args[1] if event in ("switch", "throw") else None
        if self.previous_trace_function is not None:
            self.previous_trace_function(event, args)

    def begin(self) -> None:
        """Judge the greenlet that runs now too."""
        self.active_greenlet = getcurrent()

    def ignore_current_greenlet(self) -> None:
        """Do not judge until the next switch."""
        self.active_greenlet = None

    def kill(self) -> None:
        if not self._killed:
            self._killed = True
            settrace(self.previous_trace_function)
            self.previous_trace_function = None

    def blocked(self) -> bool:
        switched, self.switches = self.switches, 0
        return not switched and self.active_greenlet is not None

    def report(self, **format_options: Any) -> list[str]:
        """Lines that say which greenlet blocks, and where."""
        from importlib import import_module

        format_run_info = import_module("plait.green.util").format_run_info  # which is made of tracers, among others
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        frame = sys._current_frames().get(self.thread_ident)
        stack = ["its thread has ended\n"] if frame is None else traceback.format_stack(frame)
        return [
            "=" * 80,
            f"\n{stamp} : Greenlet {self.active_greenlet} appears to be blocked",
            f"    Reported by {self!r}",
            f"Blocked Stack (for thread id {self.thread_ident:#x}):",
            "".join(stack),
            "Info:",
            *format_run_info(**format_options),
        ]


class HubSwitchTracer(SwitchTracer):
    """Blocked: no switch to the hub in the last `max_blocking_time` seconds, or none at all."""

    def __init__(self, hub: Hub, max_blocking_time: float) -> None:
        self.hub = hub
        self.max_blocking_time = max_blocking_time
        self._last = float("-inf")
        super().__init__()

    def __call__(self, event: str, args: tuple[Any, Any]) -> None:
        super().__call__(event, args)
        if self.active_greenlet is self.hub:
            self._last = time.perf_counter()

    def blocked(self) -> bool:
        active = self.active_greenlet
        return active not in (None, self.hub) and time.perf_counter() - self._last > self.max_blocking_time


class LongestRunTracer(SwitchTracer):
    """Blocked: some run between two switches was longer than `max_blocking_time` seconds."""

    def __init__(self, max_blocking_time: float) -> None:
        self.max_blocking_time = max_blocking_time
        self.longest = 0.0
        self._last = time.perf_counter()
        super().__init__()

    def __call__(self, event: str, args: tuple[Any, Any]) -> None:
        self._note(args[0])
        super().__call__(event, args)

    def blocked(self) -> bool:
        self._note(self.active_greenlet)
        return self.longest > self.max_blocking_time

    def _note(self, runner: Any) -> None:
        """The time of the hub is its waiting for the kernel: no run of anybody."""
        now = time.perf_counter()
        if not _is_hub(runner):
            self.longest = max(self.longest, now - self._last)
        self._last = now


def _is_hub(runner: Any) -> bool:
    from plait.green.hub import Hub

    return isinstance(runner, Hub)
