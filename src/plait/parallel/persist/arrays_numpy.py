"""The arrays of a file: the record that stands for each, and its bytes behind the record.

Before the bytes come one byte with the length of the padding and the padding, so that the first byte lies at a
multiple of 16; files of joblib before 1.2 have neither. An array of objects is a pickle of its own instead.
"""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from math import prod
from typing import Any, cast

import numpy as np

from plait.parallel.persist import names

ALIGNMENT_BYTES = 16
_COPY_BYTES = 1 << 24  # of an array that is not contiguous, at a time
_READ_BYTES = 1 << 24  # of an array from a file whose size is not known, at a time


class Writer:
    """Gives the records and the bytes of the arrays of one dump."""

    def __init__(self, file: Any, protocol: int) -> None:
        self._file = file
        self._protocol = protocol
        try:
            file.tell()
            self._alignment: int | None = ALIGNMENT_BYTES
        except io.UnsupportedOperation:
            self._alignment = None

    def record(self, array: Any) -> bytes:
        """The opcodes that build the record of an array. They use no memo: the pickle around keeps its numbers."""
        state = {
            "subclass": type(array),
            "shape": array.shape,
            "order": _order(array),
            "dtype": array.dtype,
            "allow_mmap": not array.dtype.hasobject,
            "numpy_array_alignment_bytes": self._alignment,
        }
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, self._protocol)
        pickler.fast = True
        pickler.dump(state)
        return _new_record(self._protocol) + _bare(buffer.getvalue(), self._protocol) + pickle.BUILD

    def write(self, array: Any) -> None:
        """The bytes of an array, to the file, which stands right behind its record."""
        file = self._file
        if array.dtype.hasobject:
            file.write(pickle.dumps(np.asarray(array), protocol=5))
            return
        if self._alignment is not None:
            padding = self._alignment - (file.tell() + 1) % self._alignment
            file.write(bytes((padding,)) + b"\xff" * padding)
        if array.nbytes:
            for part in _parts(np.asarray(array)):
                file.write(memoryview(part))


def _order(array: Any) -> str:
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def _parts(array: Any) -> Any:
    """The bytes of an array as one or more contiguous arrays of them."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        flat = array.ravel(order="K")
        yield flat.view(np.uint8)
        return
    steps = np.nditer(
        array, flags=["external_loop", "buffered"], buffersize=max(_COPY_BYTES // array.itemsize, 1), order="C"
    )
    for part in steps:
        yield np.ascontiguousarray(part).view(np.uint8)


def _new_record(protocol: int) -> bytes:
    """Opcodes for a new record without its state."""
    module, name = names.ARRAY_MODULE.encode(), names.ARRAY.encode()
    if protocol >= 4:
        text = b"".join(pickle.SHORT_BINUNICODE + bytes((len(part),)) + part for part in (module, name))
        return text + pickle.STACK_GLOBAL + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    if protocol >= 2:
        return pickle.GLOBAL + module + b"\n" + name + b"\n" + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    return pickle.MARK + pickle.INST + module + b"\n" + name + b"\n"


def _bare(stream: bytes, protocol: int) -> bytes:
    """A pickle without its frame, its protocol and its end."""
    start = 2 if protocol >= 2 else 0
    if stream[start : start + 1] == pickle.FRAME:
        start += 9
    return stream[start:-1]


class Record:
    """What a file says of one array, in attributes that the file sets. `unpickler`: of a subclass for one load."""

    unpickler: Any

    subclass: Any = np.ndarray
    shape: tuple[int, ...]
    order: str
    dtype: Any
    allow_mmap = False
    numpy_array_alignment_bytes: int | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.unpickler._source.interrupt(self)

    def read(self) -> Any:
        """The array. The source stands right behind the record."""
        load = self.unpickler
        if load.mmap_mode is not None and self.allow_mmap:
            array = self._mapped(load)
        elif self.dtype.hasobject:
            array = load.nested()
        else:
            array = self._read(load._source)
        if load.ensure_native_byte_order:
            array = native(array)
        if self.subclass not in (np.ndarray, np.memmap) and issubclass(self.subclass, np.ndarray):
            array = array.view(self.subclass)
        return array

    def _padding(self, source: Any) -> int:
        """Reads up to the array's first byte. How many bytes that were."""
        if self.numpy_array_alignment_bytes is None:
            return 0
        (size,) = source.exactly(1)
        source.exactly(size)
        return 1 + int(size)

    def _read(self, source: Any) -> Any:
        self._padding(source)
        count = prod(map(int, self.shape))
        size = count * self.dtype.itemsize
        source.expect(size, "array data")
        array = np.empty(count, self.dtype)
        if size:
            view = memoryview(cast("Any", array.view(np.uint8)))
            for at in range(0, size, _READ_BYTES):
                source.fill(view[at : at + _READ_BYTES], "array data")
        return array.reshape(self.shape[::-1]).transpose() if self.order == "F" else array.reshape(self.shape)

    def _mapped(self, load: Any) -> Any:
        source = load._source
        start = source.tell()
        offset = start + self._padding(source)
        mode = "r+" if load.mmap_mode == "w+" else load.mmap_mode
        source.expect(prod(map(int, self.shape)) * self.dtype.itemsize, "array data")
        memmap: Any = np.memmap
        array = memmap(load.filename, dtype=self.dtype, mode=mode, offset=offset, shape=self.shape, order=self.order)
        source.seek(offset + array.nbytes)
        if self.numpy_array_alignment_bytes is None and start % ALIGNMENT_BYTES:
            warnings.warn(
                f"The memmapped array {array} loaded from the file {load.filename} is not byte aligned. This may cause "
                "segmentation faults if this memmapped array is used in some libraries like BLAS or PyTorch. To get "
                "rid of this warning, regenerate your pickle file with joblib >= 1.2.0.",
                stacklevel=2,
            )
        return array


def is_foreign(array: Any) -> bool:
    """Whether an array's numbers are not in this machine's byte order."""
    foreign = ">" if sys.byteorder == "little" else "<"
    dtype = array.dtype
    if dtype.byteorder == "|" and dtype.fields:
        return all(field[0].byteorder == foreign for field in dtype.fields.values())
    return bool(dtype.byteorder == foreign)


def native(array: Any) -> Any:
    """The array with the same values in this machine's byte order; the same array where it has it."""
    return array.byteswap().view(array.dtype.newbyteorder("=")) if is_foreign(array) else array


class FiledRecord:
    """An array in a .npy file of its own, as joblib wrote them up to 0.9."""

    unpickler: Any
    filename: str
    allow_mmap = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.unpickler._source.interrupt(self)

    def read(self) -> Any:
        """The array, from the file beside the one that is loaded."""
        load = self.unpickler
        load.compat_mode = True
        mode = load.mmap_mode if self.allow_mmap else None
        return native(np.load(load.beside(self.filename), mmap_mode=mode, allow_pickle=True))


class PackedRecord(FiledRecord):
    """An array whose bytes are compressed in a file of their own, likewise."""

    init_args: tuple[Any, ...]
    state: tuple[Any, ...]

    def read(self) -> Any:
        """The array, from the file beside the one that is loaded."""
        from plait.parallel.persist.old import read_zfile

        load = self.unpickler
        load.compat_mode = True
        kind, shape, code = self.init_args
        array = np.ndarray.__new__(kind, shape, dtype=code)
        with open(load.beside(self.filename), "rb") as file:
            array.__setstate__((*self.state, read_zfile(file)))
        return array


RECORDS = {names.ARRAY: Record, names.FILED_ARRAY: FiledRecord, names.PACKED_ARRAY: PackedRecord}
