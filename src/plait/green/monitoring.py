"""The thread that watches a hub: whether a greenlet keeps the others from running, and how much memory there is.

`config.monitor_thread` asks for it; it starts with the hub. Each of its functions is called with the hub, about every
`period` seconds, in this thread, so none may use green functions. A greenlet that has run for a whole
`config.max_blocking_time` without a switch is reported: to `events` as EventLoopBlocked, then on the hub's stream for
errors where `config.print_blocking_reports` says so.

Costs a trace function at every switch of the hub's thread, and the thread's waking up. It holds no reference to the
hub, and ends with it.
"""

from __future__ import annotations

import os
import time
import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.green import events, workers
from plait.green.settings import config
from plait.green.watching import SwitchTracer
from plait.greenlet import getcurrent

if TYPE_CHECKING:
    from plait.green.hub import Hub

__all__ = ["MonitorEntry", "MonitorWarning", "PeriodicMonitoringThread", "start", "watchdog"]

MonitorFunction = Callable[[Any], object]

# No function is called more often than this.
_MIN_SLEEP_S = 0.005
_MIN_MEMORY_PERIOD_S = 2.0
# How often it looks whether there is something to do again, where every function is switched off.
_INACTIVE_SLEEP_S = 2.0

_monitors: weakref.WeakSet[PeriodicMonitoringThread] = weakref.WeakSet()


class MonitorWarning(RuntimeWarning):
    """Something that was asked for cannot be watched."""


def start(hub: Hub) -> None:
    """Have a new thread watch the hub. In the hub's thread."""
    monitor = hub.periodic_monitoring_thread = PeriodicMonitoringThread(hub)
    if hub.main_hub:
        monitor.install_monitor_memory_usage()
    events.notify_and_call_entry_points(events.PeriodicMonitorThreadStartedEvent(monitor))


def watchdog(limit_s: float = 0.1) -> PeriodicMonitoringThread:
    """Say which greenlet keeps the others of this thread waiting for longer than `limit_s` seconds, and at which line.

    Reports go to the hub's stream for errors, standard error by default, and to subscribers of `events`. Returns the
    thread that watches; its kill() ends that. Where the hub is watched already, the limit changes.
    """
    from plait.green.hub import get_hub

    if limit_s <= 0:
        raise ValueError(f"limit_s={limit_s!r} is not positive; pass seconds that a greenlet may run without a switch")
    config.monitor_thread = True
    config.max_blocking_time = limit_s
    monitor: PeriodicMonitoringThread = get_hub().start_periodic_monitoring_thread()
    return monitor


class MonitorEntry:
    """A function, how often it is called, and when it was last. Equal where function and period are."""

    __slots__ = ("function", "last_run_time", "period")

    def __init__(self, function: MonitorFunction, period: float | None) -> None:
        self.function = function
        self.period = period
        self.last_run_time = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MonitorEntry) and (other.function, other.period) == (self.function, self.period)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.function!r} every {self.period} s, last {self.last_run_time}>"


class PeriodicMonitoringThread:
    """Watches one hub until it is killed, or the hub is gone. Made in the hub's thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = weakref.ref(hub, self._hub_gone)
        self._tracer = SwitchTracer()
        self._monitoring_functions = [MonitorEntry(self.monitor_blocking, config.max_blocking_time)]
        self._memory_exceeded = 0
        self._process: Any = None
        self.should_run = True
        _monitors.add(self)
        self._begin()

    def _begin(self) -> None:
        self._killed = workers.allocate_lock()  # released when it is to end
        self._killed.acquire()
        self.monitor_thread_ident = workers.start(self._run, ())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} in thread {self.monitor_thread_ident:#x} for {self._hub()!r}>"

    @property
    def hub(self) -> Hub | None:
        return self._hub()

    def kill(self) -> None:
        """End it, and stop tracing. In the hub's thread."""
        if self.should_run:
            self.should_run = False
            self._killed.release()
            self._tracer.kill()

    def _hub_gone(self, _ref: object) -> None:
        if self.should_run:
            self.should_run = False
            self._killed.release()

    # -- its functions -------------------------------------------------------------------------------------------

    def monitoring_functions(self) -> list[MonitorEntry]:
        """All of them; the first looks for blocking, as often as `config.max_blocking_time` says now."""
        self._monitoring_functions[0].period = config.max_blocking_time
        return self._monitoring_functions

    def add_monitoring_function(self, function: MonitorFunction, period: float | None) -> None:
        """Call function(hub) about every `period` seconds, from now on; None: no more."""
        if not callable(function):
            raise ValueError(f"function={function!r} is not callable")
        if period is not None and period <= 0:
            raise ValueError(f"period={period!r} is not positive; pass seconds, or None to take the function out")
        kept = [entry for entry in self._monitoring_functions if entry.function != function]
        if period is not None:
            kept.append(MonitorEntry(function, period))
        self._monitoring_functions = kept

    def _run(self) -> None:
        """In its own thread."""
        main: Any = getcurrent()
        main.gevent_monitoring_thread = weakref.ref(self)
        workers.idle.add(workers.get_ident())  # it wakes nobody
        killed = self._killed
        try:
            while not killed.acquire(timeout=self._pause_s()):
                hub = self._hub()
                if hub is None:
                    return
                self._look(hub)
                del hub
        finally:
            workers.idle.discard(workers.get_ident())

    def _pause_s(self) -> float:
        periods = [entry.period for entry in self.monitoring_functions() if entry.period]
        return max(_MIN_SLEEP_S, min(periods, default=_INACTIVE_SLEEP_S))

    def _look(self, hub: Hub) -> None:
        now = time.perf_counter()
        for entry in self.monitoring_functions():
            if entry.period and entry.last_run_time + entry.period <= now and self.should_run:
                entry.last_run_time = now
                try:
                    entry.function(hub)
                except Exception as error:
                    hub.print_exception(self, type(error), error, error.__traceback__)

    # -- blocking ------------------------------------------------------------------------------------------------

    def monitor_blocking(self, hub: Hub) -> Any:
        """Report the greenlet that has run since the last look. Returns it and the report; None where there is none."""
        active = self._tracer.active_greenlet
        if not self._tracer.blocked() or active is hub:
            return None
        report = self._tracer.report(greenlet_stacks=False, current_thread_ident=self.monitor_thread_ident)
        events.notify(events.EventLoopBlocked(active, config.max_blocking_time or 0.0, report, hub=hub))
        return self._show_blocking_report(hub, report, active)

    def _show_blocking_report(self, hub: Hub, report: list[str], active: Any) -> Any:
        """Subclasses may put it elsewhere."""
        stream = hub.exception_stream
        if config.print_blocking_reports and stream is not None:
            for line in report:
                print(line, file=stream)
        return active, report

    def ignore_current_greenlet_blocking(self) -> None:
        """Do not report the greenlet that runs, until the next switch."""
        self._tracer.ignore_current_greenlet()

    def monitor_current_greenlet_blocking(self) -> None:
        """Judge the greenlet that runs now."""
        self._tracer.begin()

    # -- memory --------------------------------------------------------------------------------------------------

    def can_monitor_memory_usage(self) -> bool:
        """Whether psutil is there to ask."""
        if self._process is None:
            try:
                import psutil
            except ImportError:
                return False
            self._process = psutil.Process()
        return True

    def install_monitor_memory_usage(self) -> None:
        """Look at the process's memory too, every `config.memory_monitor_period` seconds."""
        if not self.can_monitor_memory_usage():
            warnings.warn("psutil is not installed, so memory is not watched", MonitorWarning, stacklevel=2)
            return
        period = config.memory_monitor_period or 0.0
        self.add_monitoring_function(self.monitor_memory_usage, max(period, _MIN_MEMORY_PERIOD_S))

    def monitor_memory_usage(self, _hub: Hub) -> Any:
        """Tell of memory above `config.max_memory_usage` that grows, and of the return below. -1: switched off."""
        allowed = config.max_memory_usage
        if not allowed:
            return -1
        info = self._process.memory_full_info()
        used = getattr(info, "uss", 0) or info.rss
        exceeded, self._memory_exceeded = self._memory_exceeded, used if used > allowed else 0
        event: Any = None
        if used > allowed and used > exceeded:
            event = events.MemoryUsageThresholdExceeded(used, allowed, info)
        elif used <= allowed and exceeded:
            event = events.MemoryUsageUnderThreshold(used, allowed, info, exceeded)
        if event is not None:
            events.notify(event)
        return event


def _after_fork_in_child() -> None:
    for monitor in list(_monitors):
        if monitor.should_run:
            monitor._begin()


os.register_at_fork(after_in_child=_after_fork_in_child)
