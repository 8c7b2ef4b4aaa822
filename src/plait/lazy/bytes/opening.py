"""Files by path or URL, through fsspec: local ones, compressed ones, remote ones. Imported when a file is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@contextmanager
def named(path: str, remedy: str = "") -> Iterator[None]:
    """Have errors say which file they come from: those of decompressors, decoders and disks do not."""
    try:
        yield
    except Exception as error:
        note = f"in the file {path}"
        if not any(each.startswith(note) for each in getattr(error, "__notes__", ())):
            error.add_note(note + (f"; {remedy}" if isinstance(error, UnicodeDecodeError) and remedy else ""))
        raise


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Have errors of a disk, such as a full one, say which file was written."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.add_note(f"while the file {path} was written")
        raise


def fsspec() -> Any:
    """The library. Raises ImportError, saying how to install it."""
    try:
        import fsspec.core
        import fsspec.utils
    except ImportError as error:
        raise ImportError('files are read and written through fsspec; pip install "plait[files]"') from error
    return fsspec


def fastavro() -> ModuleType:
    """The library. Raises ImportError, saying how to install it."""
    try:
        import fastavro as library
    except ImportError as error:
        raise ImportError('Avro files are read and written by fastavro; pip install "plait[avro]"') from error
    return library


def checked(paths: Any) -> Paths:
    """Paths that have an order. Raises TypeError."""
    if not isinstance(paths, str | os.PathLike | list | tuple):
        raise TypeError(f"{paths!r} is no path; pass a text, an os.PathLike, or a list of them")
    return paths


def open_files(
    paths: Any,
    mode: str = "rb",
    compression: str | None = "infer",
    encoding: str | None = "utf-8",
    errors: str | None = None,
    newline: str | None = None,
    name_function: Callable[[int], str] | None = None,
    num: int = 1,
    storage_options: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Files that open when they are used, as context managers, and can be pickled.

    paths: a path, a URL, with * for reading what is there or for writing `num` files, or a list of those.
    compression: "gzip" and such, "infer" by the names' ends. Raises ValueError for one that there is not.
    """
    files: list[Any] = fsspec().core.open_files(
        checked(paths),
        mode=mode,
        compression=compression,
        encoding=encoding,
        errors=errors,
        newline=newline,
        name_function=name_function,
        num=num,
        **(storage_options or {}),
    )
    return list(files)
