"""A bar of text that grows as tasks end."""

from __future__ import annotations

import sys
from collections.abc import Callable
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


class _Timer:
    """Calls a function every so many seconds, in a thread of the interpreter's own, until it is stopped."""

    def __init__(self, seconds: float, function: Callable[[], object]) -> None:
        self._seconds = seconds
        self._function = function
        self._stopped = natives.allocate_lock()  # both are held until what they are named for has happened
        self._left = natives.allocate_lock()
        self._stopped.acquire()
        self._left.acquire()
        natives.start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            while not self._stopped.acquire(timeout=self._seconds):
                self._function()
        finally:
            self._left.release()

    def stop(self) -> None:
        """Wait until the function runs no longer, and never will."""
        self._stopped.release()
        with self._left:
            pass

    def is_alive(self) -> bool:
        return self._left.locked()


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
        self._timer: _Timer | None = None
        self._running = False

    def _start(self, _graph: Any) -> None:
        self._state = None
        self._began = clock.now()
        self._timer = _Timer(self._dt, self._look)
        self._running = True

    def _start_state(self, _graph: Any, state: dict[str, Any]) -> None:
        self._state = state
        self._total = sum(len(state[name]) for name in ("ready", "waiting", "running", "finished"))

    def _finish(self, _graph: Any, _state: Any, failed: bool) -> None:
        if self._timer is None or not self._running:  # another callback failed before this one was told
            return
        self._running = False
        self.last_duration = clock.now() - self._began
        self._timer.stop()  # nobody else writes from now on
        if self.last_duration < self._minimum:
            return
        self._draw(self._share() if failed else 1.0, self.last_duration)
        self._write("\n")

    def _look(self) -> None:
        elapsed = clock.now() - self._began
        if self._state is not None and elapsed >= self._minimum:
            self._draw(self._share(), elapsed)

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
