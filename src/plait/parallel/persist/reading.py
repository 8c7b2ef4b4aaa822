"""load: the interpreter's own unpickler, led around the arrays' bytes.

A file's record of an array is an object of a class that the file names. `find_class` answers with a class of ours,
whose __setstate__ interrupts the source: when the unpickler asks for the next opcode, the file stands right behind the
record, and the source answers with opcodes of its own: drop the record, and ask `persistent_load` for what belongs
there. That reads the array. It rests on the unpickler asking for what it needs and no more, as it does of a file that
has no `peek`.
"""

from __future__ import annotations

import io
import os
import pickle
import stat
import warnings
from collections.abc import Callable
from typing import Any

from plait.parallel._native.persist import Source, check_numbers
from plait.parallel.persist import names, opening
from plait.parallel.persist.errors import DamagedFile

_MARK = names.ARRAY_MODULE.encode()  # part of any name of a record's class
FIRST_BYTES = 1 << 16


class NumpyUnpickler(pickle.Unpickler):
    """Unpickles from a file of dump. filename: where arrays that are mapped, or filed beside it, are found."""

    def __init__(
        self, filename: str, file_handle: Any, ensure_native_byte_order: bool, mmap_mode: str | None = None
    ) -> None:
        self.filename = filename
        self.file_handle = file_handle
        self.ensure_native_byte_order = ensure_native_byte_order
        self.mmap_mode = mmap_mode
        self.compat_mode = False
        self._records: dict[str, Any] = {}
        given = isinstance(file_handle, Source)
        self._source = file_handle if given else Source(file_handle, str(filename or repr(file_handle)))
        super().__init__(self._source)

    def load(self) -> Any:
        """The object that the file begins with where it stands."""
        try:
            return super().load()
        finally:
            for name, record in self._records.items():
                record.unpickler = None
                _idle[name].append(record)
            self._records.clear()

    def find_class(self, module_name: str, global_name: str) -> Any:
        """What a name in the file stands for; a subclass may refuse it."""
        if module_name in names.ARRAY_MODULES:
            return self._record(global_name)
        return super().find_class(module_name, global_name)

    def persistent_load(self, pid: Any) -> Any:
        """The array whose record was read last."""
        record = self._source.record
        if record is None:
            raise pickle.UnpicklingError("A load persistent id instruction was encountered, but no array was due here.")
        self._source.record = None
        return record.read()

    def nested(self) -> Any:
        """A pickle within the file; its names are looked up as those of the file are."""
        return _Nested(self._source, self).load()

    def beside(self, filename: str) -> str:
        """The path of a file in the folder of this one."""
        return os.path.join(os.path.dirname(self.filename), filename)

    def _record(self, name: str) -> Any:
        """The class of a record, for this load alone."""
        if name not in self._records:
            from plait.parallel.persist.arrays_numpy import RECORDS

            if name not in RECORDS:
                raise pickle.UnpicklingError(f"{self._source.name}: joblib's files have no class {name!r}")
            idle = _idle.setdefault(name, [])
            record: Any = idle.pop() if idle else type(name, (RECORDS[name],), {})
            record.unpickler = self
            self._records[name] = record
        return self._records[name]


# name -> classes that no load uses now: to make one costs as much as to load a small file. list.pop is atomic.
_idle: dict[str, list[Any]] = {}


class _Nested(pickle.Unpickler):
    """A pickle within a file. Its names are looked up by the unpickler around it."""

    def __init__(self, source: Source, around: NumpyUnpickler) -> None:
        super().__init__(source)
        self._around = around

    def find_class(self, module_name: str, global_name: str) -> Any:
        return self._around.find_class(module_name, global_name)


def load(
    filename: str | os.PathLike[str] | Any, mmap_mode: str | None = None, ensure_native_byte_order: bool | str = "auto"
) -> Any:
    """The value that dump wrote to a file, by name or as a file object.

    This unpickles, which runs code that the file names: load only files that you trust.
    mmap_mode: "r", "r+", "w+" (as "r+") or "c": arrays are mapped from the file, not read; not of compressed files.
    ensure_native_byte_order: arrays get this machine's byte order; "auto": unless they are mapped.
    Raises DamagedFile where the file ends too early or its bytes make no sense.
    """
    native = mmap_mode is None if ensure_native_byte_order == "auto" else bool(ensure_native_byte_order)
    if native and mmap_mode is not None:
        raise ValueError(
            "Native byte ordering can only be enforced if 'mmap_mode' parameter is set to None, "
            f"but got 'mmap_mode={mmap_mode}' instead."
        )
    if hasattr(filename, "read"):
        return _load_from(filename, getattr(filename, "name", ""), mmap_mode, native)
    name = os.fspath(filename)
    with open(name, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        first = file.read(FIRST_BYTES) if stat.S_ISREG(status.st_mode) else b""
        if first and opening.kind_of_bytes(first) == opening.PLAIN:
            if len(first) == status.st_size and _MARK not in first:
                return _guarded(_without_arrays, first, str(name))
            source = Source(file, str(name), first, status.st_size)
            return _unpickled(NumpyUnpickler(name, source, native, mmap_mode), name)
        if first:
            file.seek(0)
        with io.BufferedReader(file) as buffered:
            return _load_from(buffered, name, mmap_mode, native)


def loads(data: bytes, name: str = "<bytes>") -> Any:
    """As load(), of a file's bytes; name: for errors. What has no arrays costs no more than a pickle."""
    if opening.kind_of_bytes(data) != opening.PLAIN:
        return load(io.BytesIO(data))
    if _MARK not in data:
        return _guarded(_without_arrays, data, name)
    return _unpickled(NumpyUnpickler("", Source(io.BytesIO(), name, data, len(data)), True), name)


def _without_arrays(data: bytes, name: str) -> Any:
    check_numbers(data, name)
    return pickle.loads(data)


def _load_from(file: Any, filename: Any, mmap_mode: str | None, native: bool) -> Any:
    name = filename if isinstance(filename, str) else ""
    kind = opening.kind_of(file)
    if kind == opening.OLD:
        from plait.parallel.persist.old import read_zfile

        unpickler = NumpyUnpickler(name, io.BytesIO(read_zfile(file)), native)
        unpickler.compat_mode = True
        return _unpickled(unpickler, filename)
    source = opening.decompressed(file, kind)
    mode = opening.usable_mmap_mode(file, filename, kind, mmap_mode)
    return _unpickled(NumpyUnpickler(name, source, native, mode), filename)


def _unpickled(unpickler: NumpyUnpickler, filename: Any) -> Any:
    value = _guarded(unpickler.load, name=unpickler._source.name)
    if unpickler.compat_mode:
        _warn_old(filename)
    return value


def _guarded(function: Callable[..., Any], *args: Any, name: str = "") -> Any:
    """What a function makes of a file. Its errors name the file: `name`, or the last argument."""
    name = name or args[-1]
    try:
        return function(*args)
    except UnicodeDecodeError as error:
        raise ValueError(
            "You may be trying to read with python 3 a joblib pickle generated with python 2. "
            "This feature is not supported by joblib."
        ) from error
    except DamagedFile:
        raise
    except Exception as error:
        if _is_damage(error):
            raise DamagedFile(f"{name}: {error}; the file is truncated or damaged") from error
        error.add_note(f"while loading {name}: the file is damaged, where the code that it names is not to blame")
        raise


def _is_damage(error: Exception) -> bool:
    """Whether the unpickler or a decompressor says that its input makes no sense."""
    if isinstance(error, OSError):
        return error.errno is None  # one of bz2 and gzip; the system's have a number
    return isinstance(error, (EOFError, pickle.UnpicklingError)) or type(error).__module__ in ("zlib", "_lzma")


def _warn_old(filename: Any) -> None:
    warnings.warn(
        f"The file '{filename}' has been generated with a joblib version less than 0.10. "
        "Please regenerate this pickle file.",
        DeprecationWarning,
        stacklevel=4,
    )
