"""Scratch directories: where a run keeps files of its own, such as those of a shuffle.

A directory is below the option `temporary-directory`, else where the system keeps such; only the user can enter it
(0700), and its files are 0600. Its owner removes it when the run is over, however that ends. The owner holds a lock on
it, which the kernel releases when the process dies; whoever makes the next directory removes those whose owner died.

Cost: some 50 us a directory.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from typing import Any
from weakref import finalize

from plait.lazy import config

_PREFIX = "plait-scratch-"
_REMOVALS = 8  # attempts, while tasks that were cancelled still write
_YOUNG_S = 60  # a directory that is younger may not be locked yet


class Scratch:
    """A directory. A pickle of it is one for others to write to, who do not remove it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._removal: finalize[Any, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Scratch, (self.path,)

    def close(self) -> None:
        """Remove the directory and all that is in it, where it was made in this process by open_scratch()."""
        if self._removal is not None:
            self._removal()


def open_scratch() -> Scratch:
    """A new directory. It is removed when it is closed, or else with the object, or at exit. Raises OSError."""
    where = config.get("temporary-directory", None) or tempfile.gettempdir()
    _sweep(where)
    try:
        scratch = Scratch(tempfile.mkdtemp(prefix=_PREFIX, dir=where))
    except OSError as error:
        raise explained(error, where, "a scratch directory is made") from error
    lock = _locked(scratch.path)
    scratch._removal = finalize(scratch, _remove, scratch.path, lock, os.getpid())
    return scratch


def private(path: str, flags: int) -> int:
    """An opener for open() of new files, which nobody else may read."""
    return os.open(path, flags | os.O_EXCL | os.O_CLOEXEC, 0o600)


def explained(error: OSError, path: str, doing: str) -> OSError:
    """The error with the remedy, where a disk is full. doing: what happened then."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    text = (
        f"{os.strerror(error.errno)}, in {path}, while {doing}; free some, or set the option temporary-directory to a "
        "larger disk"
    )
    return OSError(error.errno, text)


def _locked(path: str) -> int:
    """An open descriptor of a directory, locked; -1 where somebody else has it, or the file system has no locks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def _remove(path: str, lock: int, owner: int) -> None:
    if os.getpid() == owner:  # and not in a forked child, which ends while the run goes on
        for _ in range(_REMOVALS):
            shutil.rmtree(path, ignore_errors=True)
            if not os.path.lexists(path):
                break
    if lock >= 0:
        os.close(lock)


def _sweep(where: str) -> None:
    """Remove the directories of processes that died."""
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and _is_left(entry):
                lock = _locked(entry.path)
                if lock >= 0:
                    _remove(entry.path, lock, os.getpid())


def _is_left(entry: os.DirEntry[str]) -> bool:
    """Whether a directory may have been left behind: ours, and not just made."""
    with suppress(OSError):
        status = entry.stat(follow_symlinks=False)
        return status.st_uid == os.getuid() and time.time() - status.st_ctime > _YOUNG_S
    return False
