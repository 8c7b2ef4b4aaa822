"""Compression of whole byte strings, by the names that files are opened with."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable


def zipped(data: bytes) -> bytes:
    """A zip archive of one file."""
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", data)
    return out.getvalue()


def as_it_is(data: bytes) -> bytes:
    return data


compress: dict[str | None, Callable[[bytes], bytes]] = {
    None: as_it_is,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
}
