"""A bar of text that grows as tasks end."""

from __future__ import annotations

import sys
from typing import Any

from plait._base import clock, natives
from plait.lazy.callbacks import Callback


def format_time(seconds: float) -> str:
    """A duration in hours, minutes and seconds: ' 1min 40.4s'."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:2.0f}hr {minutes:2.0f}min {seconds:4.1f}s"
    return f"{minutes:2.0f}min {seconds:4.1f}s" if minutes else f"{seconds:4.1f}s"


class ProgressBar(Callback):
    """Shows how many tasks have ended: `with ProgressBar(): compute(...)`.

    minimum: seconds that a computation must take to be shown. width: characters of the bar. dt: seconds between two
    looks. out: the file to write to, stdout where it is None. `last_duration`: seconds of the last computation.
    """

    def __init__(self, minimum: float = 0, width: int = 40, dt: float = 0.1, out: Any = None) -> None:
        super().__init__()
        self.last_duration = 0.0
        self._minimum = minimum
        self._width = width
        self._dt = dt
        self._out = out
        self._state: dict[str, Any] | None = None
        self._began = 0.0
        self._ended: Any = None  # a lock that is free once the computation has ended

    def _start(self, _graph: Any) -> None:
        self._state = None
        self._began = clock.now()
        self._ended = natives.allocate_lock()
        self._ended.acquire()
        self._stopped = natives.allocate_lock()
        self._stopped.acquire()
        natives.start_new_thread(self._keep_drawing, (self._ended, self._stopped))

    def _start_state(self, _graph: Any, state: dict[str, Any]) -> None:
        self._state = state
        self._total = sum(len(state[name]) for name in ("ready", "waiting", "running", "finished"))

    def _finish(self, _graph: Any, _state: Any, failed: bool) -> None:
        self.last_duration = clock.now() - self._began
        self._ended.release()
        self._stopped.acquire()  # nobody else writes from now on
        if self.last_duration < self._minimum:
            return
        self._draw(self._share() if failed else 1.0, self.last_duration)
        self._write("\n")

    def _keep_drawing(self, ended: Any, stopped: Any) -> None:
        try:
            while not ended.acquire(timeout=self._dt):
                elapsed = clock.now() - self._began
                if self._state is not None and elapsed >= self._minimum:
                    self._draw(self._share(), elapsed)
        finally:
            stopped.release()

    def _share(self) -> float:
        state = self._state
        return len(state["finished"]) / self._total if state is not None and self._total else 1.0

    def _draw(self, share: float, elapsed: float) -> None:
        bar = "#" * int(self._width * share)
        self._write(f"\r[{bar:<{self._width}}] | {100 * share:.0f}% Completed | {format_time(elapsed)}")

    def _write(self, text: str) -> None:
        out = sys.stdout if self._out is None else self._out
        if out is not None:
            out.write(text)
            out.flush()
