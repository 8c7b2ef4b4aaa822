"""Which file object a name or a file stands for: buffered, compressed or not."""

from __future__ import annotations

import io
import warnings
from typing import Any

from plait.parallel.persist import compressors
from plait.parallel.persist.compressors import COMPRESSORS, IO_BUFFER_BYTES

OLD = "compat"  # a file as joblib compressed it before 0.10
PLAIN = "not-compressed"


def compressed_writer(filename: Any, method: str, level: int | None) -> io.BufferedWriter:
    """A buffered file object that compresses to a name or a file."""
    return io.BufferedWriter(COMPRESSORS[method].compressor_file(filename, compresslevel=level), IO_BUFFER_BYTES)


def kind_of(file: Any) -> str:
    """A compressor's name, OLD or PLAIN, told by the file's first bytes. It is then read from where it stood.

    A file that stands at its end, as a BytesIO does that was just written, is read from its start.
    """
    size = compressors.longest_prefix()
    if hasattr(file, "peek"):
        first = file.peek(size)
    else:
        at = file.tell()
        first = file.read(size)
        if not first:
            at = 0
            file.seek(at)
            first = file.read(size)
        file.seek(at)
    return kind_of_bytes(first)


def kind_of_bytes(first: bytes) -> str:
    """Likewise, of a file that begins with these bytes."""
    if first.startswith(compressors.OLD_PREFIX):
        return OLD
    return compressors.of_prefix(first) or PLAIN


def decompressed(file: Any, kind: str) -> Any:
    """The file object to read from: the given one where it is not compressed."""
    if kind not in COMPRESSORS:
        return file
    return io.BufferedReader(COMPRESSORS[kind].decompressor_file(file), IO_BUFFER_BYTES)


def usable_mmap_mode(file: Any, filename: Any, kind: str, mmap_mode: str | None) -> str | None:
    """mmap_mode, or None with a warning where the file's bytes are not on disk as they are."""
    if mmap_mode is None:
        return None
    if isinstance(file, io.BytesIO):
        text = (
            f'In memory persistence is not compatible with mmap_mode "{mmap_mode}" flag passed. '
            "mmap_mode option will be ignored."
        )
    elif kind != PLAIN:
        text = (
            f'mmap_mode "{mmap_mode}" is not compatible with compressed file {filename}. '
            f'"{mmap_mode}" flag will be ignored.'
        )
    elif not is_raw(file):
        text = f'"{file!r}" is not a raw file, mmap_mode "{mmap_mode}" flag will be ignored.'
    else:
        return mmap_mode
    warnings.warn(text, stacklevel=4)
    return None


def is_raw(file: Any) -> bool:
    """Whether a file object reads a file as it is on disk."""
    return isinstance(getattr(file, "raw", file), io.FileIO)
