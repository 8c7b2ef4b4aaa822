"""Tracebacks that begin at the user's function, also where that ran in another process, if tblib is installed."""

from __future__ import annotations

from types import TracebackType
from typing import Any

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


def frames_of(error: BaseException) -> dict[str, Any] | None:
    """The frames of an exception's traceback, as what can travel."""
    if error.__traceback__ is None:
        return None
    try:
        from tblib import Traceback
    except ImportError:
        return None
    frames: dict[str, Any] = Traceback(error.__traceback__).to_dict()
    return frames


def traceback_of(frames: dict[str, Any] | None) -> TracebackType | None:
    """A traceback of frames_of(): to be shown and walked; the frames have no variables."""
    if frames is None:
        return None
    try:
        from tblib import Traceback
    except ImportError:  # here; the worker had it
        return None
    trace: TracebackType | None = Traceback.from_dict(frames).as_traceback()
    return trace
