"""What a computation takes of the machine, looked at again and again.

The figures are read from /proc by a thread of the profiler's own, of this process and its children.
"""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from plait._base import natives
from plait.lazy.diagnostics.profiles import _Recorder

_TICKS_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


class ResourceData(NamedTuple):
    """One look: time (seconds of time.perf_counter), resident memory in megabytes, CPU in percent of one core."""

    time: float
    mem: float
    cpu: float


class ResourceProfiler(_Recorder):
    """Memory and CPU over time: `results`, a list of ResourceData. dt: seconds between two looks."""

    def __init__(self, dt: float = 1) -> None:
        super().__init__()
        self._dt = dt
        self._stop: Any = None
        self._entered = False
        self._pending: list[ResourceData] = []

    def __enter__(self) -> ResourceProfiler:
        super().__enter__()
        self._entered = True
        self._begin()
        return self

    def __exit__(self, *error: object) -> None:
        self._entered = False
        super().__exit__(*error)
        self.close()

    def _start(self, _graph: Any) -> None:
        self._begin()

    def _finish(self, _graph: Any, _state: Any, _failed: bool) -> None:
        if not self._entered:
            self.close()

    def _begin(self) -> None:
        if self._stop is None:
            self._stop = natives.allocate_lock()
            self._stop.acquire()
            self._stopped = natives.allocate_lock()
            self._stopped.acquire()
            natives.start_new_thread(self._keep_looking, (self._stop, self._stopped))

    def _is_running(self) -> bool:
        return self._stop is not None

    def close(self) -> None:
        """Stop looking; what was seen is in `results`."""
        if self._stop is not None:
            self._stop.release()
            self._stopped.acquire()
            self._stop = None
            self.results += self._pending
            self._pending = []

    def _plot(self, **options: Any) -> Any:
        from plait.lazy.diagnostics.figures import plot_resources

        return plot_resources(self.results, **options)

    def _keep_looking(self, stop: Any, stopped: Any) -> None:
        try:
            before = perf_counter(), cpu_seconds()
            while True:
                ended = stop.acquire(timeout=self._dt)
                now = perf_counter(), cpu_seconds()
                share = 100 * (now[1] - before[1]) / max(now[0] - before[0], 1e-9)
                self._pending.append(ResourceData(now[0], memory_mb(), max(share, 0.0)))
                before = now
                if ended:
                    return
        finally:
            stopped.release()


def _family() -> list[str]:
    """This process and its descendants, as folders of /proc."""
    found, pending = [], ["/proc/self"]
    while pending:
        folder = pending.pop()
        found.append(folder)
        for path in Path(folder, "task").glob("*/children"):
            try:
                pending += [f"/proc/{pid}" for pid in path.read_text().split()]
            except OSError:  # it has ended
                pass
    return found


def cpu_seconds() -> float:
    """CPU time of this process and its descendants."""
    total = 0
    for folder in _family():
        try:
            fields = Path(folder, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])  # utime and stime, see proc_pid_stat(5)
    return total * _TICKS_S


def memory_mb() -> float:
    """Resident memory of this process and its descendants."""
    total = 0
    for folder in _family():
        try:
            total += int(Path(folder, "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return total * _PAGE_MB
