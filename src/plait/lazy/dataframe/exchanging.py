"""Exchanging: rows of all partitions put together by the number that a function gives each, as layers of blocks.

Each partition is cut into pieces, and each new partition is made of its pieces, in the order of the old ones; so rows
of one partition keep their order. With more partitions than `branch` that is done digit by digit of the number, so that
n partitions are some n * branch * log(n) / log(branch) pieces, not n * n. By the method "disk" pieces go through files,
and memory holds a partition a worker.

    placing(frame) -> numbers        where the rows go; placing(frame, other) where another layer says so
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import getitem
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plait.lazy import blocks, config
from plait.lazy._native.nodes import make as node
from plait.lazy.blocks import Layer
from plait.lazy.dataframe import piece_files as files
from plait.lazy.dataframe.joining import concatenated
from plait.lazy.resources import Resource
from plait.lazy.scratch import open_scratch

Placing: TypeAlias = Callable[..., Any]

BRANCH = 32


def exchanged(
    frame: Layer,
    placing: Placing,
    count: int,
    name: str,
    *,
    by: Layer | None = None,
    method: str | None = None,
    branch: int | None = None,
    ignore_index: bool = False,
) -> Layer:
    """A layer of `count` partitions. by: what `placing` gets besides the frame; branch: pieces of one cut, at most.
    method: "tasks" or "disk"; None for what the option "dataframe.shuffle.method" says, else "tasks".
    """
    operands = [frame] if by is None else [frame, by]
    if (method or config.get("dataframe.shuffle.method", None)) == "disk":
        space = node(Resource(open_scratch, "shuffle-space"), (), None, None, None, f"{name}-space")
        return blocks.made(_through_files, [*operands, space], (count,), name, placing, count, ignore_index)
    make = _in_one_step if max(frame.numblocks[0], count) <= max(branch or BRANCH, 2) else _in_steps
    return blocks.made(make, operands, (count,), name, placing, count, max(branch or BRANCH, 2), ignore_index)


def _in_one_step(keys: list[Any], *operands: Any) -> list[Any]:
    *layers, placing, count, _, ignore_index = operands
    name = keys[0][0]
    cuts = [
        node(_cut, (placing, count, *rows), None, None, None, (f"{name}-split", place))
        for place, rows in enumerate(_rows_of(layers))
    ]
    return [
        node(_together, (ignore_index, _picked(cuts, number, name)), None, None, None, key)
        for number, key in enumerate(keys)
    ]


def _through_files(keys: list[Any], *operands: Any) -> list[Any]:
    *layers, space, placing, count, ignore_index = operands
    name = keys[0][0]
    written = [
        node(_write, (placing, count, space, place, *rows), None, None, None, (f"{name}-write", place))
        for place, rows in enumerate(_rows_of(layers))
    ]
    indexes = node(_gathered, (written,), None, None, None, f"{name}-written")
    return [
        node(_read, (indexes, space, number, ignore_index), None, None, None, key) for number, key in enumerate(keys)
    ]


def _in_steps(keys: list[Any], *operands: Any) -> list[Any]:
    *layers, placing, count, branch, ignore_index = operands
    name = keys[0][0]
    level = {
        place: node(_numbered, (placing, *rows), None, None, None, (f"{name}-numbers", place))
        for place, rows in enumerate(_rows_of(layers))
    }
    base, stages = _digits(max(len(level), count), branch)
    for stage in range(stages):
        sources = _exchange(level, base, base**stage, base**stages)
        cuts = {
            place: node(_cut_by_digit, (base, base**stage, pair), None, None, None, (f"{name}-split-{stage}", place))
            for place, pair in level.items()
        }
        last = stage == stages - 1
        level = {}
        for number, places in sources.items():
            if last and number >= count:
                continue
            digit = number // base**stage % base
            pieces = [
                node(getitem, (cuts[place], digit), None, None, None, (f"{name}-piece-{stage}", number, place))
                for place in places
            ]
            key = keys[number] if last else (f"{name}-step-{stage}", number)
            args = (ignore_index, pieces)
            level[number] = node(_without_numbers if last else _paired, args, None, None, None, key)
    return [level[number] for number in range(count)]


def _rows_of(layers: list[Any]) -> list[tuple[Any, ...]]:
    """The operands' partitions, side by side; one that has a single partition goes with all."""
    count = max(len(layer.nodes) for layer in layers)
    return [tuple(layer.nodes[place if len(layer.nodes) > 1 else 0] for layer in layers) for place in range(count)]


def _picked(cuts: list[Any], number: int, name: str) -> list[Any]:
    return [
        node(getitem, (cut, number), None, None, None, (f"{name}-piece", number, place))
        for place, cut in enumerate(cuts)
    ]


def _digits(count: int, branch: int) -> tuple[int, int]:
    """The base, at most `branch`, and how many digits numbers below `count` have in it."""
    stages = 1
    while branch**stages < count:
        stages += 1
    base = 2
    while base**stages < count:
        base += 1
    return base, stages


def _exchange(level: Any, base: int, weight: int, total: int) -> dict[int, list[int]]:
    """For each number the places whose digits are the same but for one."""
    found = {}
    for number in range(total):
        low = number - number // weight % base * weight
        places = [low + digit * weight for digit in range(base)]
        have = [place for place in places if place in level]
        if have:
            found[number] = have
    return found


# What runs on partitions.


def split(frame: Any, numbers: NDArray[Any], count: int) -> list[Any]:
    """A frame's rows by their numbers, below `count`; in each piece they keep their order."""
    order = np.argsort(numbers, kind="stable")
    taken = frame.take(order)
    edges = [0, *np.searchsorted(numbers[order], np.arange(1, count)).tolist(), len(order)]
    return [_rows(taken, start, end) for start, end in pairwise(edges)]


def _rows(frame: Any, start: int, end: int) -> Any:
    return frame[start:end] if isinstance(frame, pd.Index) else frame.iloc[start:end]


def _indexed(frame: Any, ignore_index: bool) -> Any:
    return frame.reset_index(drop=True) if ignore_index else frame


def _cut(placing: Placing, count: int, *rows: Any) -> list[Any]:
    return split(rows[0], placing(*rows), count)


def _together(ignore_index: bool, pieces: list[Any]) -> Any:
    return _indexed(concatenated(pieces), ignore_index)


def _numbered(placing: Placing, *rows: Any) -> tuple[Any, Any]:
    return rows[0], placing(*rows)


def _cut_by_digit(base: int, weight: int, pair: tuple[Any, Any]) -> list[tuple[Any, Any]]:
    frame, numbers = pair
    digits = numbers.astype("int64") // weight % base
    order = np.argsort(digits, kind="stable")
    edges = np.searchsorted(digits[order], np.arange(1, base))
    return list(zip(split(frame, digits, base), np.split(numbers[order], edges), strict=True))


def _paired(ignore_index: bool, pairs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    frame = _indexed(concatenated([frame for frame, _ in pairs]), ignore_index)
    return frame, np.concatenate([numbers for _, numbers in pairs])


def _without_numbers(ignore_index: bool, pairs: list[tuple[Any, Any]]) -> Any:
    return _paired(ignore_index, pairs)[0]


def _write(placing: Placing, count: int, space: Any, number: int, *rows: Any) -> files.Index:
    empty = _rows(rows[0], 0, 0).copy()  # a slice would hold the rows
    return files.write(split(rows[0], placing(*rows), count), empty, space, number)


def _gathered(indexes: list[Any]) -> list[Any]:
    return indexes


def _read(indexes: list[files.Index], space: Any, number: int, ignore_index: bool) -> Any:
    pieces = files.read(indexes, space, number)
    return _indexed(concatenated(pieces), ignore_index)
