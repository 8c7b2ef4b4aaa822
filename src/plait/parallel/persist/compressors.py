"""Compressed files: which compressors there are, how a file of each begins, and which ending asks for it.

A compressor is a `CompressorWrapper`: a class of file objects, the prefix by which `load` knows its files, and the
ending by which `dump` chooses it. Those of the standard library are imported when they are first used. zlib and gzip
have a file object of ours: the standard library has none for zlib, and its gzip costs a header with a time.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from importlib import import_module
from threading import RLock
from typing import Any, Literal

NO_LZ4 = "LZ4 is not installed. Install it with pip: https://python-lz4.readthedocs.io/"

OLD_PREFIX = b"ZF"  # a whole file compressed at once, with its length: joblib before 0.10
ZLIB_PREFIX = b"\x78"
GZIP_PREFIX = b"\x1f\x8b"
BZ2_PREFIX = b"BZ"
XZ_PREFIX = b"\xfd\x37\x7a\x58\x5a"
LZMA_PREFIX = b"\x5d\x00"
LZ4_PREFIX = b"\x04\x22\x4d\x18"

DEFAULT_LEVEL = 3
IO_BUFFER_BYTES = 1 << 20
_READ_BYTES = 1 << 16


class CompressorWrapper:
    """What `register_compressor` takes.

    fileobj_factory(file, mode, compresslevel=...) makes a file object. prefix: bytes. extension: with its dot.
    """

    fileobj_factory: Any
    prefix: bytes
    extension: str

    def __init__(self, obj: Any, prefix: bytes = b"", extension: str = "") -> None:
        self.fileobj_factory = obj
        self.prefix = prefix
        self.extension = extension

    def compressor_file(self, fileobj: Any, compresslevel: int | None = None) -> Any:
        """A file object that writes compressed to fileobj, a name or a file."""
        if compresslevel is None:
            return self.fileobj_factory(fileobj, "wb")
        return self.fileobj_factory(fileobj, "wb", compresslevel=compresslevel)

    def decompressor_file(self, fileobj: Any) -> Any:
        """A file object that reads what fileobj has compressed."""
        return self.fileobj_factory(fileobj, "rb")


class ZlibFile(io.BufferedIOBase):
    """A file of the zlib format. mode: "rb" or "wb". compresslevel: 1 to 9."""

    wbits = 15  # of zlib's interface: the largest window, with a header of its own

    def __init__(self, filename: Any, mode: str = "rb", compresslevel: int = DEFAULT_LEVEL) -> None:
        import zlib

        self._closed = True
        if not isinstance(compresslevel, int) or not 1 <= compresslevel <= 9:
            raise ValueError(
                f"'compresslevel' must be an integer between 1 and 9. You provided 'compresslevel={compresslevel}'"
            )
        if mode not in ("rb", "wb"):
            raise ValueError(f"Invalid mode: {mode!r}")
        self._owns = isinstance(filename, (str, bytes))
        if not self._owns and not hasattr(filename, "read") and not hasattr(filename, "write"):
            raise TypeError("filename must be a str or bytes object, or a file")
        self._file: Any = open(filename, mode) if self._owns else filename  # noqa: SIM115
        self._lock = RLock()
        self._writes = mode == "wb"
        self._new: Callable[[], Any] = partial(zlib.decompressobj, self.wbits)
        self._closed = False
        self._at = 0  # bytes of the uncompressed stream that were written or read
        self._ahead = b""  # uncompressed, not read
        self._stream: Any = zlib.compressobj(compresslevel, zlib.DEFLATED, self.wbits) if self._writes else self._new()

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def readable(self) -> bool:
        """Whether it is open for reading."""
        self._check_not_closed()
        return not self._writes

    def writable(self) -> bool:
        """Whether it is open for writing."""
        self._check_not_closed()
        return self._writes

    def seekable(self) -> bool:
        """Whether the file beneath can be read again."""
        return self.readable() and bool(self._file.seekable())

    def fileno(self) -> int:
        """The descriptor of the file beneath."""
        self._check_not_closed()
        return int(self._file.fileno())

    def tell(self) -> int:
        """The place in the uncompressed stream."""
        with self._lock:
            self._check_not_closed()
            return self._at

    def close(self) -> None:
        """Ends the stream. A file that was given stays open."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                if self._writes:
                    self._file.write(self._stream.flush())
            finally:
                if self._owns:
                    self._file.close()
                self._file = self._stream = None

    def write(self, data: Any) -> int:
        """Compresses data, anything of bytes. How many bytes that were."""
        with self._lock:
            self._check_can_write()
            size = memoryview(data).nbytes
            self._file.write(self._stream.compress(data))
            self._at += size
            return size

    def read(self, size: int | None = -1) -> bytes:
        """size bytes, fewer only at the end; all that is left where size is negative."""
        with self._lock:
            self._check_can_read()
            wanted = -1 if size is None else size
            parts: list[bytes] = []
            while wanted and (self._ahead or self._fill()):
                part = self._ahead if wanted < 0 else self._ahead[:wanted]
                self._ahead = self._ahead[len(part) :]
                parts.append(part)
                if wanted > 0:
                    wanted -= len(part)
            data = b"".join(parts)
            self._at += len(data)
            return data

    def read1(self, size: int = -1) -> bytes:
        """What one step of decompression gives, at most size bytes."""
        with self._lock:
            self._check_can_read()
            if not self._ahead:
                self._fill()
            return self.read(len(self._ahead) if size < 0 else min(size, len(self._ahead)))

    def seek(self, offset: int, whence: int = 0) -> int:
        """To a place of the uncompressed stream. Costs decompression from the start, or of what lies between."""
        with self._lock:
            self._check_can_seek()
            if whence == 2:
                while self.read(_READ_BYTES):
                    pass
            elif whence not in (0, 1):
                raise ValueError(f"Invalid value for whence: {whence}")
            target = offset + (self._at if whence else 0)
            if target < self._at:
                self._file.seek(0)
                self._stream, self._ahead, self._at = self._new(), b"", 0
            while self._at < target and self.read(min(target - self._at, _READ_BYTES)):
                pass
            return self._at

    def _fill(self) -> bool:
        """More into _ahead; False at the end. Streams may follow each other, as those of a concatenated file do."""
        while not self._ahead:
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            data = data or self._file.read(_READ_BYTES)
            if not data:
                if self._stream.eof:
                    return False
                self._ahead = self._stream.flush()
                if self._ahead or self._stream.eof:
                    continue
                raise EOFError("the compressed data end before their end marker: the file is truncated")
            if self._stream.eof:
                self._stream = self._new()
            self._ahead = self._stream.decompress(data, IO_BUFFER_BYTES)
        return True

    def _check_not_closed(self) -> None:
        if self._closed:
            raise ValueError("I/O operation on closed file")

    def _check_can_read(self) -> None:
        if not self.readable():
            raise io.UnsupportedOperation("the file is open for writing, not for reading")

    def _check_can_write(self) -> None:
        if not self.writable():
            raise io.UnsupportedOperation("the file is open for reading, not for writing")

    def _check_can_seek(self) -> None:
        if not self.readable():
            raise io.UnsupportedOperation("a compressed file that is written can not seek")
        if not self._file.seekable():
            raise io.UnsupportedOperation("the file beneath can not seek")


class GzipFile(ZlibFile):
    """A file of the gzip format, likewise; without a name or a time in its header."""

    wbits = 31  # of zlib's interface: the largest window, gzip's header


class ZlibCompressorWrapper(CompressorWrapper):
    """zlib, `.z`."""

    def __init__(self) -> None:
        super().__init__(ZlibFile, ZLIB_PREFIX, ".z")


class GzipCompressorWrapper(CompressorWrapper):
    """gzip, `.gz`."""

    def __init__(self) -> None:
        super().__init__(GzipFile, GZIP_PREFIX, ".gz")


class _Imported(CompressorWrapper):
    """A compressor whose module is imported when it is used, and may be missing."""

    def __init__(self, prefix: bytes, extension: str) -> None:
        self.prefix = prefix
        self.extension = extension

    @property
    def fileobj_factory(self) -> Any:
        """The class of file objects. Raises ValueError where there is none on this machine."""
        raise NotImplementedError


class BZ2CompressorWrapper(_Imported):
    """bz2, `.bz2`."""

    def __init__(self) -> None:
        super().__init__(BZ2_PREFIX, ".bz2")

    @property
    def fileobj_factory(self) -> Any:
        """bz2.BZ2File."""
        try:
            import bz2
        except ImportError as error:
            raise ValueError("bz2: this Python was built without it; use another compressor") from error
        return bz2.BZ2File


class LZMACompressorWrapper(_Imported):
    """lzma, `.lzma`."""

    _format: Literal["FORMAT_ALONE", "FORMAT_XZ"] = "FORMAT_ALONE"

    def __init__(self, prefix: bytes = LZMA_PREFIX, extension: str = ".lzma") -> None:
        super().__init__(prefix, extension)

    @property
    def _module(self) -> Any:
        try:
            import lzma
        except ImportError as error:
            raise ValueError("lzma: this Python was built without it; use another compressor") from error
        return lzma

    @property
    def fileobj_factory(self) -> Any:
        """lzma.LZMAFile."""
        return self._module.LZMAFile

    def compressor_file(self, fileobj: Any, compresslevel: int | None = None) -> Any:
        """Of the format that is this one's; the level is lzma's preset."""
        form = getattr(self._module, self._format)
        return self.fileobj_factory(fileobj, "wb", format=form, preset=compresslevel)


class XZCompressorWrapper(LZMACompressorWrapper):
    """xz, `.xz`."""

    _format = "FORMAT_XZ"

    def __init__(self) -> None:
        super().__init__(XZ_PREFIX, ".xz")


class LZ4CompressorWrapper(_Imported):
    """lz4, `.lz4`, where the package is installed."""

    def __init__(self) -> None:
        super().__init__(LZ4_PREFIX, ".lz4")

    @property
    def fileobj_factory(self) -> Any:
        """lz4.frame.LZ4FrameFile."""
        try:
            return import_module("lz4.frame").LZ4FrameFile
        except ImportError as error:
            raise ValueError(NO_LZ4) from error

    def compressor_file(self, fileobj: Any, compresslevel: int | None = None) -> Any:
        """With the level under lz4's name for it."""
        if compresslevel is None:
            return self.fileobj_factory(fileobj, "wb")
        return self.fileobj_factory(fileobj, "wb", compression_level=compresslevel)


# name -> compressor; written by register_compressor. The order is that in which prefixes are tried.
COMPRESSORS: dict[str, CompressorWrapper] = {
    "zlib": ZlibCompressorWrapper(),
    "gzip": GzipCompressorWrapper(),
    "bz2": BZ2CompressorWrapper(),
    "lzma": LZMACompressorWrapper(),
    "xz": XZCompressorWrapper(),
    "lz4": LZ4CompressorWrapper(),
}


def register_compressor(compressor_name: str, compressor: CompressorWrapper, force: bool = False) -> None:
    """Makes a compressor known to dump and load. force: also where the name has one.

    Raises ValueError where the name is no text, is taken, or the compressor makes no file objects.
    """
    if not isinstance(compressor_name, str):
        raise ValueError(f"Compressor name should be a string, '{compressor_name}' given.")
    if not isinstance(compressor, CompressorWrapper):
        raise ValueError(f"Compressor should implement the CompressorWrapper interface, '{compressor}' given.")
    factory = compressor.fileobj_factory
    if factory is not None and not all(hasattr(factory, name) for name in ("read", "write", "seek", "tell")):
        raise ValueError(
            f"Compressor 'fileobj_factory' attribute should implement the file object interface, '{factory}' given."
        )
    if compressor_name in COMPRESSORS and not force:
        raise ValueError(f"Compressor '{compressor_name}' already registered.")
    COMPRESSORS[compressor_name] = compressor


def longest_prefix() -> int:
    """Of how many first bytes `of_prefix` must know, bytes."""
    return max(len(OLD_PREFIX), *(len(compressor.prefix) for compressor in COMPRESSORS.values()))


def of_prefix(first: bytes) -> str | None:
    """The name of the compressor whose files begin so; None for an uncompressed file."""
    for name, compressor in COMPRESSORS.items():
        if compressor.prefix and first.startswith(compressor.prefix):
            return name
    return None


def of_extension(filename: str) -> str | None:
    """The name of the compressor that a file's name asks for, if it does."""
    found = None
    for name, compressor in COMPRESSORS.items():
        if compressor.extension and filename.endswith(compressor.extension):
            found = name
    return found
