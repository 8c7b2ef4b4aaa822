"""Looking at a running program: who runs, who spawned whom, and whether a block lets others run.

`format_run_info` and `GreenletTree` find greenlets through the garbage collector, since nobody keeps a list of them:
they cost time in proportion to all objects, and are for debugging. `assert_switches` costs a trace function while its
block runs.
"""

from __future__ import annotations

import functools
import sys
import time
import traceback
from _thread import get_ident
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, TextIO

from plait.green.hub import get_hub
from plait.green.tree import GreenletTree
from plait.green.watching import HubSwitchTracer, LongestRunTracer, SwitchTracer

__all__ = [
    "GreenletTree",
    "assert_switches",
    "clear_stack_frames",
    "format_run_info",
    "print_run_info",
    "wrap_errors",
]

_RULE = "*" * 80


class wrap_errors:
    """A function that returns exceptions of some classes instead of raising them.

    errors: an exception class, or a tuple of them. Looks like the function that it wraps.
    """

    def __init__(self, errors: type[BaseException] | tuple[type[BaseException], ...], func: Callable[..., Any]) -> None:
        self._errors = errors
        self._func = func
        functools.update_wrapper(self, func)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._func(*args, **kwargs)
        except self._errors as error:
            return error

    def __str__(self) -> str:
        return str(self._func)

    def __repr__(self) -> str:
        return repr(self._func)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._func, name)


# -- run info ----------------------------------------------------------------------------------------------------


def print_run_info(
    thread_stacks: bool = True, greenlet_stacks: bool = True, limit: int | None = None, file: TextIO | None = None
) -> None:
    """Print what `format_run_info` says to `file`, standard error by default."""
    stream = sys.stderr if file is None else file
    for line in format_run_info(thread_stacks, greenlet_stacks, limit):
        print(line, file=stream)


def format_run_info(
    thread_stacks: bool = True,
    greenlet_stacks: bool = True,
    limit: int | None = None,
    current_thread_ident: int | None = None,
) -> list[str]:
    """All threads and greenlets of the process, as lines for a reader: where each is, and who spawned it.

    thread_stacks, greenlet_stacks: whether to show where they are. limit: frames a stack, as of traceback.format_stack.
    current_thread_ident: the thread to mark as current, the caller's by default.
    """
    current = get_ident() if current_thread_ident is None else current_thread_ident
    return _thread_lines(thread_stacks, limit, current) + _greenlet_lines(greenlet_stacks, limit)


def _thread_lines(stacks: bool, limit: int | None, current: int) -> list[str]:
    import threading

    known = {thread.ident: thread for thread in threading.enumerate()}
    lines = [_RULE, "* Threads"]
    for ident, frame in sys._current_frames().items():
        thread = known.get(ident)
        watcher = getattr(thread, "gevent_monitoring_thread", None)
        name = _worker_name(ident) if thread is None else thread.name
        if watcher is not None:
            name = repr(watcher())
        marked = f"{name}) (CURRENT" if ident == current else name
        lines += [_RULE, f"Thread {ident:#x} ({marked})\n"]
        lines.append("".join(traceback.format_stack(frame, limit)) if stacks else "\t...stack elided...")
    return lines


def _worker_name(ident: int) -> str:
    threadpool = sys.modules.get("plait.green.threadpool")
    worker = None if threadpool is None else threadpool.worker_of(ident)
    return "unknown" if worker is None else repr(worker)


def _greenlet_lines(stacks: bool, limit: int | None) -> list[str]:
    lines = [_RULE, "* Greenlets", _RULE]
    for tree in sorted(GreenletTree.forest(), key=lambda tree: "" if tree.is_current_tree else repr(tree.greenlet)):
        lines.append("---- Thread boundary")
        # The running greenlet of another thread would show the frame that this thread is in.
        show = {"running_stacks": stacks and tree.is_current_tree, "running_stack_limit": limit}
        lines += tree.format_lines(details=show)
    return lines


# -- assertions --------------------------------------------------------------------------------------------------


class NoSwitchError(AssertionError):
    """A block that was to let others run did not."""


class assert_switches:
    """A block that must let other greenlets run, else it raises AssertionError at its end.

    max_blocking_time: None asks for one switch at least; a number of seconds asks that no run between two switches is
    longer. hub_only: of switches, count those to the hub.
    """

    def __init__(self, max_blocking_time: float | None = None, hub_only: bool = False) -> None:
        self.max_blocking_time = max_blocking_time
        self.hub_only = hub_only
        self.tracer: SwitchTracer | None = None
        self._begin = 0.0

    def __enter__(self) -> assert_switches:
        hub = get_hub()
        if not self.max_blocking_time:
            self.tracer = SwitchTracer()
        elif self.hub_only:
            self.tracer = HubSwitchTracer(hub, self.max_blocking_time)
        else:
            self.tracer = LongestRunTracer(self.max_blocking_time)
        self._begin = time.perf_counter()
        self.tracer.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        tracer, self.tracer = self.tracer, None
        assert tracer is not None
        tracer.kill()
        if kind is None and tracer.blocked():
            raise NoSwitchError(self._complaint(tracer))

    def _complaint(self, tracer: SwitchTracer) -> str:
        took = time.perf_counter() - self._begin
        target = "To the hub" if self.hub_only else "To any greenlet"
        allowed = f" (max allowed {self.max_blocking_time:.4f} seconds)" if self.max_blocking_time else ""
        return f"{target} in {took:.4f} seconds{allowed}\n" + "\n".join(tracer.report())


def clear_stack_frames(frame: FrameType | None) -> None:
    """Drop the local variables of a frame and its callers, as far as the interpreter allows."""
    while frame is not None:
        try:
            frame.clear()
        except RuntimeError:  # it runs, or its generator does
            pass
        clear = getattr(frame.f_locals, "clear", None)  # a view without `clear` since 3.13
        if clear is not None:
            clear()
        frame = frame.f_back
