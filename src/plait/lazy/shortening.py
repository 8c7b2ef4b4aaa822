"""Tracebacks without the frames that the option admin.traceback.shorten names: patterns of file names.

The first and the last frame always stay: where the caller was, and where the error arose.
"""

from __future__ import annotations

import re
from itertools import pairwise
from types import TracebackType

from plait.lazy import config


class shorten_traceback:
    """Around code whose errors leave with a shortened traceback."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and traceback is not None:
            error.__traceback__ = self.shorten(traceback)

    @staticmethod
    def shorten(exc_tb: TracebackType) -> TracebackType:
        """The traceback, changed in place."""
        patterns = config.get("admin.traceback.shorten", None)
        if not patterns:
            return exc_tb
        hidden = re.compile("|".join(f"(?:{pattern})" for pattern in patterns)).search
        entries = _entries(exc_tb)
        inner = [each for each in entries[1:-1] if not hidden(each.tb_frame.f_code.co_filename)]
        for before, after in pairwise([entries[0], *inner, *entries[1:][-1:]]):
            before.tb_next = after
        return exc_tb


def _entries(traceback: TracebackType | None) -> list[TracebackType]:
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    return entries
