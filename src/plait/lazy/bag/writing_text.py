"""Bags written to text files, an element a line."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from plait.lazy.bag.layers import Layer, Step, piece
from plait.lazy.bytes.opening import open_files, writing

if TYPE_CHECKING:
    from plait.lazy.bag.bags import Bag

_LINES = 1 << 12  # lines written at a time


def to_textfiles(
    b: Bag,
    path: Any,
    name_function: Callable[[int], str] | None = None,
    compression: str | None = "infer",
    encoding: str | None = "utf-8",
    compute: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    last_endline: bool = False,
    **kwargs: Any,
) -> Any:
    """Write each partition of a bag of texts to a file, an element a line. Returns the paths.

    path: with * for the number of the partition, a folder, or a list with a path for each. name_function: what stands
    for the number, in the same order. encoding: None for bytes. compute: False for a list of delayed writes.
    last_endline: end the last line too. kwargs: as of compute().
    """
    mode = "wb" if encoding is None else "wt"
    files = open_files(
        path,
        mode,
        compression,
        encoding,
        name_function=name_function,
        num=b.npartitions,
        storage_options=storage_options,
    )
    return written(b, files, partial(_write_lines, last_endline, encoding), "to-textfiles", compute, kwargs)


def written(b: Bag, files: list[Any], write: Callable[..., Any], label: str, compute: bool, options: Any) -> Any:
    """The paths, after write(partition, file) for each of a bag; or a list of delayed writes."""
    if len(files) != b.npartitions:
        raise ValueError(f"{len(files)} paths for {b.npartitions} partitions; pass one for each, or one with *")
    step = Step(write, label)

    def make(keys: list[Any]) -> list[Any]:
        rows = zip(b._layer.nodes, files, keys, strict=True)
        return [piece(step, (node, file), key) for node, file, key in rows]

    out = b._of(Layer(label, (uuid.uuid4().hex,), [b._layer], b.npartitions, make))
    if not compute:
        return out.to_delayed()
    out.compute(**options)
    return [file.path for file in files]


def _write_lines(last_endline: bool, encoding: str | None, elements: Iterable[Any], file: Any) -> None:
    end: Any = b"\n" if encoding is None else "\n"
    convert = _as_bytes if encoding is None else _as_text
    lines = map(convert, elements)
    with writing(file.path), file as opened:
        some = list(islice(lines, _LINES))
        while some:
            following = list(islice(lines, _LINES))
            opened.write(end.join(some))
            if following or last_endline:
                opened.write(end)
            some = following


def _as_text(element: Any) -> str:
    if isinstance(element, str):
        return element
    if isinstance(element, bytes):
        return element.decode("utf-8")
    raise TypeError(f"{element!r} is no line of text; map the bag to text first, for example by json.dumps")


def _as_bytes(element: Any) -> bytes:
    return element if isinstance(element, bytes) else _as_text(element).encode("utf-8")
