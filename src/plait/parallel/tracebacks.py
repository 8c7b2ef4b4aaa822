"""Tracebacks that begin at the user's function."""

from __future__ import annotations

from types import TracebackType

from plait.parallel.errors import RemoteTraceback


def trim(error: BaseException) -> None:
    """Drop plait's own frames from the front of an exception's traceback.

    One that has no others keeps them all, unless the user's frames are in its cause, as text.
    """
    trace = error.__traceback__
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    if trace is not None or isinstance(error.__cause__, RemoteTraceback):
        error.__traceback__ = trace


def _is_ours(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("plait.")
