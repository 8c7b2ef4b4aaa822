"""joblib.numpy_pickle_compat: text helpers and the loading of files that joblib wrote before 0.10."""

from __future__ import annotations

from typing import Any

from plait.parallel.persist import load
from plait.parallel.persist.old import read_zfile as read_zfile
from plait.parallel.persist.old import write_zfile as write_zfile

# `load` knows these files by themselves.
load_compatibility = load


def hex_str(an_int: int) -> str:
    """A number as hexadecimal text."""
    return hex(an_int)


def asbytes(s: Any) -> bytes:
    """Text as Latin-1; bytes as they are."""
    return s if isinstance(s, bytes) else str(s).encode("latin1")
