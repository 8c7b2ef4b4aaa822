"""Durations and values as text, a base class whose objects log by name, and a stopwatch that prints.

`logging`, `pathlib`, `pprint` and `shutil` are imported when the first line is written: most programs never write one.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from plait._base import clock

if TYPE_CHECKING:
    from pathlib import Path

_OLD_LOGS = 9  # how many earlier logs a PrintTime keeps beside its own


def format_time(t: float) -> str:
    """A duration in seconds and minutes: '12.3s, 0.2min'."""
    return f"{t:.1f}s, {t / 60:.1f}min"


def short_format_time(t: float) -> str:
    """A duration in eight columns or so: '  12.3s', and past a minute ' 1.5min'."""
    return f"{t / 60:4.1f}min" if t > 60 else f" {t:5.1f}s"


def pformat(obj: Any, indent: int = 0, depth: int | None = 3) -> str:
    """The value's repr over lines, nested no deeper than `depth`, its arrays abridged."""
    import pprint

    if "numpy" not in sys.modules:
        return pprint.pformat(obj, indent=indent, depth=depth)
    from plait.parallel.text_numpy import abridged

    with abridged():
        return pprint.pformat(obj, indent=indent, depth=depth)


class Logger:
    """A base class: messages begin with the object's own text, and go to the logger called `name`.

    depth: how deep format() shows nested values.
    """

    def __init__(self, depth: int | None = 3, name: str | None = None) -> None:
        self.depth = depth
        self._name = name or "plait.parallel"

    def warn(self, msg: object) -> None:
        self._log("WARNING", msg)

    def info(self, msg: object) -> None:
        self._log("INFO", msg)

    def debug(self, msg: object) -> None:
        self._log("DEBUG", msg)

    def _log(self, level: str, msg: object) -> None:
        import logging

        logging.getLogger(self._name).log(logging.getLevelNamesMapping()[level], "[%s]: %s", self, msg)

    def format(self, obj: Any, indent: int = 0) -> str:
        """The value as text."""
        return pformat(obj, indent=indent, depth=self.depth)


class PrintTime:
    """Called with a message, prints it with the time since the last call: on stderr, and into a file if one is given.

    logfile: where to; logdir: a folder, in which it is called joblib.log. Earlier logs are kept as .1 to .9, the latest
    first. A file that cannot be written never stops the computation that it tells of.
    """

    def __init__(self, logfile: str | os.PathLike[str] | None = None, logdir: str | os.PathLike[str] | None = None):
        if logfile is not None and logdir is not None:
            raise ValueError(f"logfile={logfile!r} and logdir={logdir!r} both say where the log is; pass one of them")
        self.start_time = self.last_time = clock.now()
        if logdir is not None:
            logfile = os.path.join(logdir, "joblib.log")
        self.logfile = None if logfile is None else os.fspath(logfile)
        if self.logfile is not None:
            _begin_log(_path(self.logfile))

    def __call__(self, msg: object = "", total: bool = False) -> None:
        """Print the message and the time since the last call; with total=True since the beginning."""
        now = clock.now()
        if total:
            seconds = now - self.start_time
            line = f"{msg}: {seconds:.2f}s, {seconds / 60:.1f} min"
        else:
            line = f"{msg}: {format_time(now - self.last_time)}"
        print(line, file=sys.stderr)
        if self.logfile is not None:
            _append(_path(self.logfile), line)
        self.last_time = now


def _path(file: str | os.PathLike[str]) -> Path:
    from pathlib import Path

    return Path(file)


def _begin_log(log: Path) -> None:
    import time

    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            _keep_old(log)
        log.write_text(f"--- log of {time.ctime()} ---\n")
    except OSError:
        pass  # as _append: the computation goes on without its log


def _keep_old(log: Path) -> None:
    """Move log.1 to log.2 and so on, and copy the log to log.1: who follows the file keeps what it has open."""
    import shutil

    def old(number: int) -> Path:
        return log.with_name(f"{log.name}.{number}")

    for number in range(_OLD_LOGS - 1, 0, -1):
        if old(number).exists():
            old(number).replace(old(number + 1))
    shutil.copy(log, old(1))


def _append(log: Path, line: str) -> None:
    try:
        with log.open("a") as file:
            print(line, file=file)
    except OSError:
        pass
