"""How far a loop is: what `progress=` of Parallel means.

A loop tells its observer how many tasks have ended, after each batch and in the caller's own thread; so whatever the
observer does needs no lock, and what it raises ends the loop. Nobody is told where there is no observer.

Bars are drawn by tqdm, or by rich where tqdm is not installed. Neither may start a thread for it: with a second thread
workers could no longer be forked from the caller, and the first call would take longer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Protocol

from plait._base import clock

_REDRAW_S = 0.1


class Observer(Protocol):
    """What a loop reports to."""

    def advance(self, done: int) -> object:
        """So many tasks have ended, with a result or an error."""

    def close(self) -> object:
        """The loop has ended, whichever way."""


def observer(progress: Any, tasks: Any) -> Observer | None:
    """The observer for `progress`: False or None, True for a bar, or a callback(done, total).

    tasks: the loop's tasks; `total` is their number where they have a length, else None. Raises TypeError for any other
    progress, and ImportError where no library is there to draw a bar.
    """
    if progress is None or progress is False:
        return None
    total = len(tasks) if hasattr(type(tasks), "__len__") else None
    if progress is True:
        return _bar(total)
    if callable(progress):
        return _Callback(progress, total)
    raise TypeError(f"progress={progress!r} is no way to report; pass True for a bar, or a function (done, total)")


class _Callback:
    """A user's function."""

    def __init__(self, function: Callable[[int, int | None], object], total: int | None) -> None:
        self._function = function
        self._total = total

    def advance(self, done: int) -> None:
        self._function(done, self._total)

    def close(self) -> None:
        """It knows from `done`."""


def _bar(total: int | None) -> Observer:
    try:
        return _Tqdm(total)
    except ImportError:
        pass
    try:
        return _Rich(total)
    except ImportError:
        raise ImportError(
            "progress=True needs tqdm or rich to draw the bar; install one of them, or pass a function (done, total)"
        ) from None


class _Tqdm:
    """A bar of tqdm: in a notebook its widget, else a line on stderr."""

    def __init__(self, total: int | None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this way to choose between the two is experimental
            from tqdm.autonotebook import tqdm

        unmonitored = type("tqdm", (tqdm,), {"monitor_interval": 0})  # the monitor is a thread
        self._bar: Any = unmonitored(total=total, unit="task", miniters=1)

    def advance(self, done: int) -> None:
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _Rich:
    """A bar of rich."""

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._progress: Any = Progress(console=Console(stderr=True), auto_refresh=False)  # which would be a thread
        self._task = self._progress.add_task("tasks", total=total)
        self._progress.start()
        self._drawn = 0.0

    def advance(self, done: int) -> None:
        now = clock.now()
        due = now - self._drawn > _REDRAW_S
        if due:
            self._drawn = now
        self._progress.update(self._task, completed=done, refresh=due)

    def close(self) -> None:
        self._progress.refresh()
        self._progress.stop()
