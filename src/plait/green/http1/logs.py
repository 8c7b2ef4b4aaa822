"""Where a server's lines of log go: a file, a logger, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["LoggingLogAdapter", "NoLog", "as_log"]

INFO = 20  # as logging has them; not imported for two numbers
ERROR = 40


class NoLog:
    """Takes all and keeps nothing."""

    def write(self, *args: Any, **kwargs: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def writelines(self, *args: Any, **kwargs: Any) -> None:
        pass


class LoggingLogAdapter:
    """A file of lines that are logged at `level` by a logger; all its other attributes are the logger's."""

    __slots__ = ("_level", "_logger")

    def __init__(self, logger: Any, level: int = INFO) -> None:
        self._logger = logger
        self._level = level

    def write(self, msg: str) -> None:
        self._logger.log(self._level, msg.removesuffix("\n"))

    def flush(self) -> None:
        """Nothing: the logger's handlers see to that."""

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in LoggingLogAdapter.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self._logger, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._logger, name)


def as_log(log: Any, level: int, default: Any) -> Any:
    """What to write lines to: `default` for "default", nothing for None, an adapter for a logger, else the file."""
    if log is None:
        return NoLog()
    if isinstance(log, str) and log == "default":
        return default
    if not hasattr(log, "write") and hasattr(log, "log"):
        return LoggingLogAdapter(log, level)
    return log
