"""Stores: where a cache keeps its entries. On disk by default; `StoreBackendBase` is what others implement.

An entry is found by its id, (function, digest of the arguments), which names a folder of the store:

    FUNCTION/func_code.py             the function's source, as the cache knew it last
    FUNCTION/DIGEST/output.pkl        the value, as plait.parallel.persist writes it
    FUNCTION/DIGEST/metadata.json     duration, arguments' reprs, time

The layout is joblib's, and so are the files. An output that is not compressed ends with a seal, 24 bytes that
unpicklers never reach: its length and the CRC-32 of all before. It is checked when the value is read, unless the value
is mapped; outputs without a seal (joblib's) are taken as they are, compressed ones have checks of their own.

Each file is written under a name of its own and then renamed, so that nobody sees half of it and a failure leaves
nothing. Nothing is synced to the disk: what a power failure damages does not pass the check, and is computed again.
Folders that the store makes are their owner's alone. Reading an entry unpickles it: a cache is as trusted as the
program.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import struct
import time
import warnings
import zlib
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pickle import PicklingError
from typing import Any, NamedTuple

from plait._base import natives
from plait.parallel import persist
from plait.parallel.logger import format_time
from plait.parallel.memory.disk import memstr_to_bytes, mkdirp, rm_subdirs

OUTPUT = "output.pkl"
METADATA = "metadata.json"
FUNC_CODE = "func_code.py"
_GITIGNORE = "# Created by joblib automatically.\n*\n"
_MARK = b"plait-cache1"
_SEAL = struct.Struct("<12sQI")  # mark, bytes before, their CRC-32
_AT_ONCE = 1 << 18  # bytes up to which a file is read whole, and unpickled from memory
_CHUNK = 1 << 20

CallId = Sequence[str]


class CacheItemInfo(NamedTuple):
    """An entry: its folder, the bytes of its files, and when it was last read."""

    path: str
    size: int
    last_access: datetime.datetime


class CacheWarning(Warning):
    """A value could not be kept; the call that computed it gave it all the same."""


class DamagedEntry(ValueError):
    """An entry's file is not what was written."""


def concurrency_safe_write(object_to_write: Any, filename: str, write_func: Callable[[Any, str], object]) -> str:
    """write_func(object, name) with a name that nobody else has; the name. What a failing one leaves is removed."""
    temporary = f"{filename}.{os.urandom(16).hex()}-{os.getpid()}-{natives.get_ident()}"
    try:
        write_func(object_to_write, temporary)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:  # it was never made, or the store has no such file system
            pass
        raise
    return temporary


class StoreBackendBase(metaclass=ABCMeta):
    """What a store must have. `location` is a string; files of it are named by paths below."""

    location: Any = None

    @abstractmethod
    def _open_item(self, f: Any, mode: str) -> Any:
        """A file object for the name `f`; mode: "rb" or "wb"."""

    @abstractmethod
    def _item_exists(self, location: Any) -> bool:
        """Whether there is such a file or folder."""

    @abstractmethod
    def _move_item(self, src: Any, dst: Any) -> Any:
        """Rename a file, over another one if need be."""

    @abstractmethod
    def create_location(self, location: Any) -> Any:
        """Have a folder."""

    @abstractmethod
    def clear_location(self, location: Any) -> Any:
        """Remove a folder with what is in it."""

    @abstractmethod
    def get_items(self) -> Sequence[CacheItemInfo]:
        """All entries."""

    @abstractmethod
    def configure(self, location: Any, verbose: int = 0, backend_options: Any = None) -> Any:
        """Use a location, with options of the store's own."""


class StoreBackendMixin:
    """All that a store does, by the methods of StoreBackendBase alone."""

    location: Any
    verbose: int
    compress: Any
    _open_item: Callable[..., Any]
    _item_exists: Callable[[Any], bool]
    _move_item: Callable[[Any, Any], Any]
    create_location: Callable[[Any], Any]
    clear_location: Callable[[Any], Any]
    get_items: Callable[[], Sequence[CacheItemInfo]]

    # -- entries -------------------------------------------------------------------------------------------------

    def load_item(
        self,
        call_id: CallId,
        verbose: int = 1,
        timestamp: float | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        """The entry's value. Raises KeyError where there is none, DamagedEntry or what unpickling raises."""
        path = os.path.join(self.location, *call_id)
        if verbose > 1:
            print(_loading(call_id, path, verbose, timestamp, metadata))
        filename = os.path.join(path, OUTPUT)
        mmap_mode = getattr(self, "mmap_mode", None)
        try:
            if mmap_mode is not None and self._item_exists(filename):
                return persist.load(filename, mmap_mode=mmap_mode)
            return self._read_value(filename)
        except FileNotFoundError:
            raise KeyError(f"Non-existing item (may have been cleared).\nFile {filename} does not exist") from None

    def _read_value(self, filename: str) -> Any:
        with self._open_item(filename, "rb") as file:
            return _read_sealed(file, filename)

    def dump_item(self, call_id: CallId, item: Any, verbose: int = 1) -> None:
        """Keep a value. What cannot be kept is said in a warning, and leaves nothing."""
        try:
            path = os.path.join(self.location, *call_id)
            if not self._item_exists(path):
                self.create_location(path)
            if verbose > 10:
                print(f"Persisting in {path}")
            self._concurrency_safe_write(item, os.path.join(path, OUTPUT), self._write_value)
        except PicklingError as error:
            warnings.warn(
                "Unable to cache to disk: failed to pickle output, which was computed all the same. "
                f"Exception: {error}.",
                FutureWarning,
                stacklevel=2,
            )
        except Exception as error:
            warnings.warn(
                f"Unable to cache to disk; the value was computed all the same. Exception: {error}.",
                CacheWarning,
                stacklevel=2,
            )

    def _write_value(self, value: Any, filename: str) -> None:
        with self._open_item(filename, "wb") as file:
            if self.compress:
                persist.dump(value, file, compress=self.compress)
            else:
                sealed = _Sealing(file)
                persist.dump(value, sealed)
                file.write(sealed.seal())

    def contains_item(self, call_id: CallId) -> bool:
        return self._item_exists(os.path.join(self.location, *call_id, OUTPUT))

    def clear_item(self, call_id: CallId) -> None:
        path = os.path.join(self.location, *call_id)
        if self._item_exists(path):
            self.clear_location(path)

    def get_item_info(self, call_id: CallId) -> dict[str, Any]:
        return {"location": os.path.join(self.location, *call_id)}

    def get_metadata(self, call_id: CallId) -> dict[str, Any]:
        """What is noted of an entry; {} where that cannot be read."""
        try:
            with self._open_item(os.path.join(self.location, *call_id, METADATA), "rb") as file:
                noted = json.loads(file.read())
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def store_metadata(self, call_id: CallId, metadata: Mapping[str, Any]) -> None:
        """Note something of an entry. Without it the entry is good, so a failure is passed over."""
        try:
            path = os.path.join(self.location, *call_id)
            self.create_location(path)
            self._concurrency_safe_write(metadata, os.path.join(path, METADATA), self._write_json)
        except (OSError, ValueError, TypeError):
            pass

    def _write_json(self, values: Mapping[str, Any], filename: str) -> None:
        self._write_bytes(json.dumps(values).encode(), filename)

    # -- functions -----------------------------------------------------------------------------------------------

    def contains_path(self, call_id: CallId) -> bool:
        return self._item_exists(os.path.join(self.location, *call_id))

    def clear_path(self, call_id: CallId) -> None:
        """Remove all entries of a function, and what is known of its code."""
        self.clear_item(call_id)

    def store_cached_func_code(self, call_id: CallId, func_code: str | None = None) -> None:
        """Have the function's folder, and its source in it."""
        path = os.path.join(self.location, *call_id)
        if not self._item_exists(path):
            self.create_location(path)
        if func_code is not None:
            self._concurrency_safe_write(func_code, os.path.join(path, FUNC_CODE), self._write_text)

    def _write_text(self, text: str, filename: str) -> None:
        self._write_bytes(text.encode(), filename)

    def _write_bytes(self, data: bytes, filename: str) -> None:
        with self._open_item(filename, "wb") as file:
            file.write(data)

    def get_cached_func_code(self, call_id: CallId) -> str:
        """The function's source as the cache knew it last. Raises OSError where there is none."""
        with self._open_item(os.path.join(self.location, *call_id, FUNC_CODE), "rb") as file:
            text: str = file.read().decode()
        return text

    def get_cached_func_info(self, call_id: CallId) -> dict[str, Any]:
        return {"location": os.path.join(self.location, *call_id)}

    # -- all of it -----------------------------------------------------------------------------------------------

    def clear(self) -> None:
        self.clear_location(self.location)

    def enforce_store_limits(
        self,
        bytes_limit: int | str | None,
        items_limit: int | None = None,
        age_limit: datetime.timedelta | None = None,
    ) -> None:
        """Remove entries, those first that were not read for the longest time, until the limits hold."""
        for item in self._get_items_to_delete(bytes_limit, items_limit, age_limit):
            if self.verbose > 10:
                print(f"Deleting item {item}")
            try:
                self.clear_location(item.path)
            except OSError:  # another process removes it as well
                pass

    def _get_items_to_delete(
        self,
        bytes_limit: int | str | None,
        items_limit: int | None = None,
        age_limit: datetime.timedelta | None = None,
    ) -> list[CacheItemInfo]:
        if age_limit is not None and age_limit.total_seconds() < 0:
            raise ValueError(f"age_limit={age_limit!r} has to be a positive timedelta")
        if isinstance(bytes_limit, str):
            bytes_limit = memstr_to_bytes(bytes_limit)
        items = sorted(self.get_items(), key=lambda item: item.last_access)
        surplus_bytes = 0 if bytes_limit is None else sum(item.size for item in items) - bytes_limit
        surplus_items = 0 if items_limit is None else len(items) - items_limit
        oldest = None if age_limit is None else datetime.datetime.now() - age_limit
        doomed = []
        for item in items:
            if surplus_bytes <= 0 and surplus_items <= 0 and (oldest is None or item.last_access > oldest):
                break
            doomed.append(item)
            surplus_bytes -= item.size
            surplus_items -= 1
        return doomed

    def _concurrency_safe_write(self, to_write: Any, filename: str, write_func: Callable[[Any, str], object]) -> None:
        self._move_item(concurrency_safe_write(to_write, filename, write_func), filename)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(location="{self.location}")'


class FileSystemStoreBackend(StoreBackendBase, StoreBackendMixin):
    """A store in a folder.

    Options: compress, as of persist.dump; mmap_mode, as of persist.load.
    """

    _open_item = staticmethod(open)  # type: ignore[assignment]
    _item_exists = staticmethod(os.path.exists)  # type: ignore[assignment]
    _move_item = staticmethod(os.replace)

    def _read_value(self, filename: str) -> Any:
        """Small files past `open`, which costs ten times as much as reading them."""
        descriptor = os.open(filename, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            data = os.read(descriptor, size) if size <= _AT_ONCE else b""
            if len(data) == size:
                return _unsealed(data, filename)
        finally:
            os.close(descriptor)
        return super()._read_value(filename)

    def create_location(self, location: str) -> None:
        mkdirp(location)

    def clear_location(self, location: str) -> None:
        if location == self.location:
            rm_subdirs(location)
        else:
            shutil.rmtree(location, ignore_errors=True)

    def get_items(self) -> list[CacheItemInfo]:
        """All entries. Costs a listing of each folder of functions, and two looks at files an entry."""
        items = (_entry(path) for path in _entry_folders(self.location))
        return [item for item in items if item is not None]

    def configure(self, location: str, verbose: int = 1, backend_options: Mapping[str, Any] | None = None) -> None:
        options = backend_options or {}
        self.location = location
        mkdirp(location)
        _add_gitignore(location)
        self.compress = options.get("compress", False)
        mmap_mode = options.get("mmap_mode")
        if self.compress and mmap_mode is not None:
            warnings.warn(
                "Compressed items cannot be memmapped in a filesystem store. Option will be ignored.", stacklevel=2
            )
        self.mmap_mode = mmap_mode
        self.verbose = verbose


def _loading(
    call_id: CallId, path: str, verbose: int, timestamp: float | None, metadata: Mapping[str, Any] | None
) -> str:
    """What is printed before an entry is read."""
    since = "" if timestamp is None else f"{format_time(time.time() - timestamp): <16}"
    call = os.path.basename(call_id[0])
    if metadata is not None and "input_args" in metadata:
        call += "({})".format(", ".join(f"{name}={text}" for name, text in metadata["input_args"].items()))
    where = "..." if verbose < 10 else f" from {path}"
    return f"[Memory]{since}: Loading {call}{where}"


# -- seals -------------------------------------------------------------------------------------------------------


class _Sealing:
    """A file that is written to, and the sum of what was."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._sum = 0
        self._bytes = 0

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._sum = zlib.crc32(data, self._sum)
        size = memoryview(data).nbytes
        self._bytes += size
        return size

    def tell(self) -> int:
        return self._bytes

    def seal(self) -> bytes:
        return _SEAL.pack(_MARK, self._bytes, self._sum)


def _read_sealed(file: Any, name: str) -> Any:
    """The value in a file, once its seal, if it has one, was checked."""
    data = file.read(_AT_ONCE)
    if len(data) < _AT_ONCE:
        return _unsealed(data, name)
    size = file.seek(0, os.SEEK_END)
    file.seek(size - _SEAL.size)
    seal = file.read(_SEAL.size)
    file.seek(0)
    _check(_chunks(file), size, seal, name)
    file.seek(0)
    return persist.load(file)


def _unsealed(data: bytes, name: str) -> Any:
    _check((data,), len(data), data[-_SEAL.size :], name)
    return persist.loads(data)


def _check(chunks: Iterable[bytes], size: int, seal: bytes, name: str) -> None:
    if len(seal) < _SEAL.size or seal[: len(_MARK)] != _MARK:
        return
    _, sealed, expected = _SEAL.unpack(seal)
    if sealed != size - _SEAL.size:
        raise DamagedEntry(f"{name} has {size - _SEAL.size} bytes and was written with {sealed}; it is damaged")
    found = 0
    left = sealed
    for chunk in chunks:
        found = zlib.crc32(memoryview(chunk)[:left], found)
        left -= min(left, len(chunk))
    if found != expected:
        raise DamagedEntry(f"{name} has the checksum {found:08x} and was written with {expected:08x}; it is damaged")


def _chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


# -- folders -----------------------------------------------------------------------------------------------------


def _entry_folders(folder: str) -> Iterator[str]:
    """The folders below that are named like a digest."""
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if _is_digest(entry.name):
                        yield entry.path
                    elif entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:  # removed meanwhile
            continue


def _is_digest(name: str) -> bool:
    return len(name) >= 32 and all(letter in "0123456789abcdef" for letter in name[:32])


def _entry(path: str) -> CacheItemInfo | None:
    """What there is to say of an entry's folder; None where it is going away, or a value is on its way into it."""
    try:
        output = os.stat(f"{path}/{OUTPUT}")
    except OSError:
        return _entry_without_value(path)
    try:
        size = output.st_size + os.stat(f"{path}/{METADATA}").st_size
    except OSError:
        size = output.st_size
    return CacheItemInfo(path, size, datetime.datetime.fromtimestamp(output.st_atime))


def _entry_without_value(path: str) -> CacheItemInfo | None:
    try:
        with os.scandir(path) as entries:
            sizes = [entry.stat().st_size for entry in entries]
        if not sizes:  # somebody computes the value, and holds the folder's lock
            return None
        return CacheItemInfo(path, sum(sizes), datetime.datetime.fromtimestamp(os.stat(path).st_atime))
    except OSError:
        return None


def _add_gitignore(location: str) -> None:
    """Keep the cache out of the user's repository."""
    folder = location
    if os.path.basename(location) == "joblib" and os.path.dirname(location):
        folder = os.path.dirname(location)
    try:
        with open(os.path.join(folder, ".gitignore"), "x") as file:
            file.write(_GITIGNORE)
    except FileExistsError:
        pass
    except OSError as error:
        warnings.warn(f"Unable to write {folder}/.gitignore. Exception: {error}.", stacklevel=3)
