"""Folders: their sizes, made and removed while other processes do the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from plait._base import clock, natives

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
_BLOCK = 512
_RETRY_S = 0.1
_PATIENCE_S = 1.0


def disk_used(path: str | os.PathLike[str]) -> int:
    """The kilobytes that a folder's own files take on the disk, without those of its subfolders."""
    with os.scandir(path) as entries:
        blocks = sum(entry.stat().st_blocks for entry in entries)
    return (blocks + os.stat(path).st_blocks) * _BLOCK // 1024


def memstr_to_bytes(text: str) -> int:
    """'10G', '500M' or '50K' as bytes. Raises ValueError."""
    try:
        return int(_UNITS[text[-1]] * float(text[:-1]))
    except (KeyError, ValueError, IndexError, TypeError):
        raise ValueError(
            f"Invalid literal for size give: {text!r} (type {type(text)}) should be alike '10G', '500M', '50K'."
        ) from None


def mkdirp(d: str | os.PathLike[str]) -> None:
    """Have the folder, and those that it is in, readable by their owner alone where they are new."""
    missing: list[str] = []
    path = os.path.abspath(d) if os.fspath(d) else ""
    if not path:
        raise FileNotFoundError(f"{d!r} is no folder's name; pass one")
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        try:
            os.mkdir(each, 0o700)
        except FileExistsError:  # another process was quicker
            if not os.path.isdir(each):
                raise


def rm_subdirs(path: str | os.PathLike[str], onerror: Callable[..., Any] | None = None) -> None:
    """Remove a folder's subfolders; the folder and its files stay. onerror: as shutil.rmtree's."""
    try:
        names = os.listdir(path)
    except OSError as error:
        if onerror is None:
            raise
        onerror(os.listdir, path, (type(error), error, error.__traceback__))
        return
    for name in names:
        delete_folder(os.path.join(path, name), onerror)


def delete_folder(
    folder_path: str | os.PathLike[str], onerror: Callable[..., Any] | None = None, allow_non_empty: bool = True
) -> None:
    """Remove a folder, trying for a second where others write into it. Raises OSError."""
    deadline = clock.now() + _PATIENCE_S
    while os.path.isdir(folder_path) and not os.path.islink(folder_path):
        try:
            if not allow_non_empty:
                os.rmdir(folder_path)
            elif onerror is not None:
                shutil.rmtree(folder_path, False, onerror)
                return
            else:
                shutil.rmtree(folder_path)
        except FileNotFoundError:
            pass
        except OSError:
            if clock.now() >= deadline:
                raise
            natives.sleep(_RETRY_S)
