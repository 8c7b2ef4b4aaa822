"""Files written under a name of their own, and renamed when they are whole: who reads sees all of a file, or none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replacing(fs: Any, path: str) -> Iterator[Any]:
    """An open binary file that becomes `path` in the end; nothing is left of it where the block fails.

    Errors say which file was written.
    """
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex}" if folder else f".{name}.{uuid.uuid4().hex}"
    try:
        with fs.open(temporary, "wb") as file:
            yield file
        fs.mv(temporary, path)
    except BaseException as error:
        error.add_note(f"while the file {path} was written")
        if fs.exists(temporary):
            fs.rm(temporary)
        raise
