"""Pickles between this process and its child: the library's objects are references, all else is a value.

A message is a head (a plain pickle), then a pickle and its buffers, which are not copied. Each side gives its own
`reduce`, asked before cloudpickle is: NotImplemented where it has no opinion.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, TypeAlias

import cloudpickle

Reduce: TypeAlias = Callable[[Any], Any]

# How the child makes a call.
THREAD = 0  # in a thread of its own
LOOP = 1  # in its asyncio loop
AWAITED = 2  # there, and what it gives is awaited

# What the words of a message mean to whom it arrives: each side sets its own.
meanings: dict[str, Callable[..., Any]] = {}


def meant(word: str, *args: Any) -> Any:
    """In messages: what stands for something on the other side, or is it on this one."""
    return meanings[word](*args)


def dumps(value: Any, reduce: Reduce) -> list[Any]:
    """A value as parts of a message."""
    buffers: list[pickle.PickleBuffer] = []

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, item: Any) -> Any:
            reduced = reduce(item)
            return super().reducer_override(item) if reduced is NotImplemented else reduced

    file = BytesIO()
    Pickler(file, protocol=5, buffer_callback=buffers.append).dump(value)
    return [file.getvalue(), *(buffer.raw() for buffer in buffers)]


def loads(parts: Sequence[Any]) -> Any:
    return pickle.loads(parts[0], buffers=parts[1:])
