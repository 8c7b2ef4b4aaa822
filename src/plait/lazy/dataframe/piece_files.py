"""Files of a shuffle: each partition writes one, with a piece for each new partition, which reads its own of all.

A file is pickled pieces, one behind the other; where they are is told by the writer's value, an Index, which is small.
The files are in a directory of the run's own (see `plait.lazy.scratch`). A file is complete or does not have its name,
so a task may be repeated. The option "dataframe.shuffle.compression" compresses them: zlib, bz2 or lzma.
"""

from __future__ import annotations

import os
import pickle
import uuid
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from plait.lazy import config
from plait.lazy.scratch import Scratch, explained, private

_BUFFER_BYTES = 1 << 20
_COMPRESSIONS = ("zlib", "bz2", "lzma")


class Index(NamedTuple):
    """Of a file: where each piece begins, and the last one ends; what a piece of no rows is like; the compression."""

    number: int
    offsets: tuple[int, ...]
    empty: Any
    compression: str | None


def write(pieces: Sequence[Any], empty: Any, space: Scratch, number: int) -> Index:
    """Write the pieces of a partition. Raises OSError, saying where no space is left."""
    compression = config.get("dataframe.shuffle.compression", None)
    compress = _module(compression, "compress")
    name = os.path.join(space.path, f"{uuid.uuid4().hex}.new")
    offsets = [0]
    try:
        with open(name, "wb", buffering=_BUFFER_BYTES, opener=private) as file:
            for piece in pieces:
                if len(piece):
                    file.write(compress(pickle.dumps(piece, protocol=pickle.HIGHEST_PROTOCOL)))
                offsets.append(file.tell())
        os.replace(name, os.path.join(space.path, str(number)))
    except OSError as error:
        raise explained(error, space.path, "a shuffle writes its partitions") from error
    return Index(number, tuple(offsets), empty, compression)


def read(indexes: Sequence[Index], space: Scratch, number: int) -> list[Any]:
    """The pieces of a new partition, in the order of the files; an empty one where there are none."""
    pieces = []
    for index in indexes:
        start, end = index.offsets[number : number + 2]
        if end > start:
            with open(os.path.join(space.path, str(index.number)), "rb", buffering=0) as file:
                file.seek(start)
                data = file.read(end - start)
            pieces.append(pickle.loads(_module(index.compression, "decompress")(data)))
    return pieces or [indexes[0].empty]


def _module(compression: str | None, function: str) -> Callable[[bytes], bytes]:
    """A function of a compression. Raises ImportError for one that there is not."""
    if compression is None:
        return _as_it_is
    if compression.lower() not in _COMPRESSIONS:
        raise ImportError(
            f"Not able to import and load {compression} as compression algorithm."
            "Please check if the library is installed and supported by Partd. "
            f"plait has {', '.join(_COMPRESSIONS)}; set the option dataframe.shuffle.compression to one, or to None"
        )
    found: Callable[[bytes], bytes] = getattr(import_module(compression.lower()), function)
    return found


def _as_it_is(data: bytes) -> bytes:
    return data
