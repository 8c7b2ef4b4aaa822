"""Aligning: partitions of several frames that belong together hold the same range of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.lazy.dataframe.expression import FrameExpression, Partitionwise
from plait.lazy.dataframe.metas import is_frame_like
from plait.lazy.dataframe.reducing import Reduction
from plait.lazy.dataframe.repartitioning import RepartitionDivisions


def aligned(values: Sequence[Any]) -> list[Any]:
    """The same values, where frames among them whose divisions differ are repartitioned by all of these.

    Frames of equal numbers of partitions, one of which has unknown divisions, are taken as aligned. Raises ValueError
    where that is not so.
    """
    frames = [each for each in values if isinstance(each, FrameExpression) and is_frame_like(each.meta)]
    frames = [each for each in frames if not _is_by_columns(each, frames)]
    if len(frames) < 2 or all(each.divisions == frames[0].divisions for each in frames):
        return list(values)
    if not all(each.known_divisions for each in frames):
        if len({each.npartitions for each in frames}) == 1:
            return list(values)
        raise ValueError(
            "Not all divisions are known, can't align partitions. Please use `set_index` to set the index."
            f" npartitions are {[each.npartitions for each in frames]}"
        )
    bounds = united([each.divisions for each in frames])
    return [repartitioned(each, bounds) if any(each is frame for frame in frames) else each for each in values]


def _is_by_columns(one: FrameExpression, frames: Sequence[FrameExpression]) -> bool:
    """Whether a series is a reduction of columns, which each partition of a dataframe takes whole."""
    columns = _reduced_columns(one) if one.ndim == 1 and one.npartitions == 1 else set()
    return bool(columns) and any(each.ndim == 2 and set(each.columns) & columns for each in frames)


def _reduced_columns(one: FrameExpression) -> set[Any]:
    """The columns by which a reduction, or what is computed of one element by element, is labelled."""
    while isinstance(one, Partitionwise) and len({each.name for each in one.inputs}) == 1:
        one = one.inputs[0]  # type: ignore[assignment]  # inputs of frames' operations are frames
    return set(one.frame.columns) if isinstance(one, Reduction) and one.frame.ndim == 2 else set()


def united(divisions: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """All bounds of some divisions, sorted."""
    bounds = sorted({bound for each in divisions for bound in each})
    return tuple(bounds) if len(bounds) > 1 else (bounds[0], bounds[0])


def repartitioned(frame: FrameExpression, bounds: tuple[Any, ...]) -> FrameExpression:
    """A frame by divisions that may go beyond its own."""
    return frame if frame.divisions == bounds else RepartitionDivisions(frame, bounds, True)
