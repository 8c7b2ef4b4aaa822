"""The arguments of open(), understood: which raw file, which buffer and which text layer they ask for.

`OpenDescriptor` makes files that block, `GreenOpenDescriptor` such whose waits park the greenlet. The rules are those
of io.open, and what it refuses is refused here, with two older names (`bufsize`, `close`) in addition.
"""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

from plait.green.descriptorio import (
    AtomicDescriptorIO,
    BufferedRandom,
    BufferedReader,
    BufferedWriter,
    DescriptorIO,
    TextIO,
    WriteallMixin,
)

__all__ = ["GreenOpenDescriptor", "OpenDescriptor"]


class _AtomicFileIO(WriteallMixin, io.FileIO):
    def write(self, data: Any, /) -> int:
        return self.writeall(data)


class OpenDescriptor:
    """What a file object is made of.

    fobj: a descriptor, a path, or an object with fileno(). closefd=False leaves a descriptor or object open when the
    file is closed. atomic_write: without a buffer, write() writes all it is given.
    """

    _raw_class: Any = io.FileIO
    _atomic_class: Any = _AtomicFileIO
    _buffered_classes: tuple[Any, Any, Any] = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
    _text_class: Any = io.TextIOWrapper

    def __init__(
        self,
        fobj: Any,
        mode: str = "r",
        bufsize: int | None = None,
        close: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        buffering: int | None = None,
        closefd: bool | None = None,
        atomic_write: bool = False,
    ) -> None:
        self.closefd: bool = _either("closefd", closefd, "close", close, True)
        self.buffering: int = _either("buffering", buffering, "bufsize", bufsize, -1)
        self.fobj = fobj if hasattr(fobj, "fileno") or isinstance(fobj, int) else os.fspath(fobj)
        if isinstance(self.fobj, (str, bytes)):
            self.closefd = True
        self._check_types(mode, encoding, errors)
        self._read_mode(mode)
        if self.binary:
            self._check_binary(mode, encoding, errors, newline)
        self.encoding = encoding
        self.errors = errors
        self.newline = newline
        self.atomic_write = atomic_write
        self._raw: Any = None
        self._opened: Any = None

    def opened(self) -> Any:
        """The file, opened at the first call."""
        if self._opened is None:
            raw = self.opened_raw()
            try:
                self._opened = self._layered(raw)
            except BaseException:
                if raw is not self.fobj:
                    raw.close()
                raise
        return self._opened

    def opened_raw(self) -> Any:
        """The lowest layer, opened at the first call: fobj itself where that is a file object."""
        if self._raw is None:
            self._raw = self._open_raw()
        return self._raw

    # -- understanding -------------------------------------------------------------------------------------------

    def _check_types(self, mode: object, encoding: object, errors: object) -> None:
        for name, value, kind in (("mode", mode, str), ("buffering", self.buffering, int)):
            if not isinstance(value, kind):
                raise TypeError(f"{name}={value!r} is not {'a string' if kind is str else 'an integer'}")
        for name, value in (("encoding", encoding), ("errors", errors)):
            if value is not None and not isinstance(value, str):
                raise TypeError(f"{name}={value!r} is not a string, nor None")

    def _read_mode(self, mode: str) -> None:
        letters = set(mode)
        if letters - set("axrwb+tU") or len(mode) > len(letters):
            raise ValueError(f"invalid mode: {mode!r}; pass one of r, w, a, x, with +, and b or t, each once")
        if "U" in letters:
            if letters & set("xwa+"):
                raise ValueError(f"mode U cannot be combined with 'x', 'w', 'a', or '+': {mode!r}")
            letters.add("r")
        kinds = letters & set("xrwa")
        if {"t", "b"} <= letters:
            raise ValueError(f"can't have text and binary mode at once: {mode!r}")
        if len(kinds) > 1:
            raise ValueError(f"can't have create/read/write/append mode at once: {mode!r}")
        if not kinds:
            raise ValueError(f"must have exactly one of create/read/write/append mode: {mode!r}")
        self.binary = "b" in letters
        self.can_read = "r" in letters or "+" in letters
        self.can_write = "r" not in letters or "+" in letters
        self.fileio_mode = kinds.pop() + ("+" if "+" in letters else "")
        self.mode = self.fileio_mode + ("t" if "t" in letters else "b" if self.binary else "")

    def _check_binary(self, mode: str, encoding: str | None, errors: str | None, newline: str | None) -> None:
        for name, value, article in (("encoding", encoding, "an"), ("errors", errors, "an"), ("newline", newline, "a")):
            if value is not None:
                raise ValueError(f"binary mode doesn't take {article} {name} argument: {name}={value!r}, mode={mode!r}")
        if self.buffering == 1:
            warnings.warn(
                "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
                RuntimeWarning,
                stacklevel=4,
            )

    # -- opening -------------------------------------------------------------------------------------------------

    def _open_raw(self) -> Any:
        if hasattr(self.fobj, "fileno"):
            return self.fobj
        kind = self._atomic_class if self._is_atomic else self._raw_class
        return kind(self.fobj, self.fileio_mode, self.closefd)

    @property
    def _is_atomic(self) -> bool:
        return self.atomic_write and self.buffering == 0

    def _layered(self, raw: Any) -> Any:
        if self.binary and isinstance(raw, io.TextIOBase):
            raise ValueError(
                f"{raw!r} is a text file, which has a buffer of its own; open its descriptor for binary I/O"
            )
        lines = self.buffering == 1 or (self.buffering < 0 and raw.isatty())
        file = raw
        if self.buffering != 0 and not _is_buffered(raw):
            file = self._buffered(raw, self.buffering if self.buffering > 1 else _buffer_size(raw))
        if not self.binary and not isinstance(raw, io.TextIOBase):
            file = self._text_class(file, self.encoding, self.errors, self.newline, lines)
            file.mode = self.mode
        return file

    def _buffered(self, raw: Any, size: int) -> Any:
        reader, writer, both = self._buffered_classes
        if self.can_read and self.can_write:
            return both(raw, size)
        return (reader if self.can_read else writer)(raw, size)


class GreenOpenDescriptor(OpenDescriptor):
    """What a file object is made of whose waits park the greenlet. The raw layer is new for file objects too."""

    _raw_class = DescriptorIO
    _atomic_class = AtomicDescriptorIO
    _buffered_classes = (BufferedReader, BufferedWriter, BufferedRandom)
    _text_class = TextIO

    def _open_raw(self) -> Any:
        kind = self._atomic_class if self._is_atomic else self._raw_class
        if isinstance(self.fobj, int):
            return kind(self.fobj, self.fileio_mode, self.closefd)
        if not hasattr(self.fobj, "fileno"):
            owner: Any = io.FileIO(self.fobj, self.fileio_mode)
        else:
            owner = self.fobj
        mode = self.fileio_mode.replace("x", "w")  # it has been created
        try:
            raw = kind(owner.fileno(), mode, closefd=False, owner=owner if self.closefd else None)
        except BaseException:
            if owner is not self.fobj:
                owner.close()
            raise
        try:
            raw.name = owner.name
        except AttributeError:
            del raw.name
        return raw


def _either(name: str, value: Any, old_name: str, old_value: Any, default: Any) -> Any:
    if value is not None and old_value is not None:
        raise TypeError(f"{name}={value!r} and {old_name}={old_value!r} are one argument; pass {name} alone")
    if value is None:
        value = old_value
    return default if value is None else value


def _is_buffered(file: Any) -> bool:
    return isinstance(file, (io.BufferedIOBase, io.TextIOBase)) or getattr(file, "buffer", None) is not None


def _buffer_size(file: Any) -> int:
    try:
        size = os.fstat(file.fileno()).st_blksize
    except (OSError, AttributeError):
        return io.DEFAULT_BUFFER_SIZE
    return size if size > 1 else io.DEFAULT_BUFFER_SIZE
