"""Temporary files and folders, as dask's tests and those of its users make them."""

from __future__ import annotations

import os
import shutil
import tempfile
from builtins import open as builtin_open
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext, suppress
from typing import Any


@contextmanager
def tmpfile(extension: str = "", dir: str | None = None) -> Iterator[str]:
    """A path where nothing is; a file or folder that is made there is removed at the end."""
    ending = f".{extension.lstrip('.')}" if extension else ""
    handle, path = tempfile.mkstemp(ending, dir=dir)
    os.close(handle)
    os.remove(path)
    try:
        yield path
    finally:
        _remove(path)


@contextmanager
def tmpdir(dir: str | None = None) -> Iterator[str]:
    """A new folder, removed at the end with what is in it."""
    path = tempfile.mkdtemp(dir=dir)
    try:
        yield path
    finally:
        _remove(path)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        ensure_not_exists(path)


def ensure_not_exists(filename: str) -> None:
    """Remove a file, if it is there."""
    with suppress(FileNotFoundError):
        os.remove(filename)


@contextmanager
def filetext(text: Any, extension: str = "", open: Callable[..., Any] = builtin_open, mode: str = "w") -> Iterator[str]:
    """The path of a temporary file with that content."""
    with tmpfile(extension=extension) as path:
        with open(path, mode=mode) as file:
            file.write(text)
        yield path


@contextmanager
def filetexts(
    d: Mapping[str, Any], open: Callable[..., Any] = builtin_open, mode: str = "t", use_tmpdir: bool = True
) -> Iterator[list[str]]:
    """The names of some files with their contents, in a temporary folder that is the working directory meanwhile."""
    with tmp_cwd() if use_tmpdir else nullcontext():
        for name, text in d.items():
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, f"w{mode}") as file:
                file.write(text)
        yield list(d)
        for name in d:
            ensure_not_exists(name)


changed_cwd = chdir


@contextmanager
def tmp_cwd(dir: str | None = None) -> Iterator[str]:
    """A temporary folder that is the working directory meanwhile."""
    with tmpdir(dir) as path, chdir(path):
        yield path
