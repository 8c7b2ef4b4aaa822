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
from typing import Any

import numpy as np

from plait.parallel._native.persist import opcodes_of_shape
from plait.parallel.persist import names

ALIGNMENT_BYTES = 16
_COPY_BYTES = 1 << 24  # of an array that is not contiguous, at a time
_FOREIGN = ">" if sys.byteorder == "little" else "<"


class Writer:
    """Gives the records and the bytes of the arrays of one dump. splice: where they go."""

    splice: Any

    def __init__(self, protocol: int) -> None:
        self._protocol = protocol

    def record(self, array: Any) -> bytes:
        """The opcodes that build the record of an array. They use no memo: the pickle around keeps its numbers."""
        dtype = array.dtype
        aligned = self.splice.tell() is not None
        form = (type(array), _order(array), aligned, self._protocol, id(dtype))
        known = _forms.get(form)
        if known is None:
            known = _form(*form[:4], dtype)
            if dtype.isbuiltin == 1:  # one object for the life of the process: its id is not another's later
                _forms[form] = known
        before, after = known
        return before + opcodes_of_shape(array.shape) + after

    def write(self, array: Any) -> None:
        """The bytes of an array, to the file, which stands right behind its record."""
        splice = self.splice
        if array.dtype.hasobject:
            splice.pass_on(pickle.dumps(np.asarray(array), protocol=5))
            return
        place = splice.tell()
        if place is not None:
            splice.pass_on(_PADDINGS[(place + 1) % ALIGNMENT_BYTES])
        if array.flags.forc:
            splice.pass_on(array)
        elif array.size:
            for part in _parts(array):
                splice.pass_on(part)


# What stands before the first byte of an array, by the place, modulo 16, after the byte that has its length.
_PADDINGS = tuple(
    bytes((size,)) + b"\xff" * size for size in (ALIGNMENT_BYTES - place for place in range(ALIGNMENT_BYTES))
)
# The opcodes of a record before and after its shape, of dtypes that are always there.
_forms: dict[tuple[type, str, bool, int, int], tuple[bytes, bytes]] = {}


def _form(kind: type, order: str, aligned: bool, protocol: int, dtype: Any) -> tuple[bytes, bytes]:
    """The opcodes of a record before and after its shape."""
    module, name = names.ARRAY_MODULE.encode(), names.ARRAY.encode()
    if protocol >= 2:
        new = pickle.GLOBAL + module + b"\n" + name + b"\n" + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    else:
        new = pickle.MARK + pickle.INST + module + b"\n" + name + b"\n"
    after = {
        "order": order,
        "dtype": dtype,
        "allow_mmap": not dtype.hasobject,
        "numpy_array_alignment_bytes": ALIGNMENT_BYTES if aligned else None,
    }
    parts = [_opcodes(part, protocol) for pair in after.items() for part in pair]
    before = [new, pickle.EMPTY_DICT, pickle.MARK, *(_opcodes(part, protocol) for part in ("subclass", kind, "shape"))]
    return b"".join(before), b"".join((*parts, pickle.SETITEMS, pickle.BUILD))


def _opcodes(value: Any, protocol: int) -> bytes:
    """A pickle that uses no memo, without its frame, its protocol and its end."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol)
    pickler.fast = True
    pickler.dump(value)
    stream = buffer.getvalue()
    start = 2 if protocol >= 2 else 0
    if stream[start : start + 1] == pickle.FRAME:
        start += 9
    return stream[start:-1]


def _order(array: Any) -> str:
    return "F" if array.flags.fnc else "C"


def _parts(array: Any) -> Any:
    """An array that is not contiguous, as pieces that are, in the order of C."""
    steps = np.nditer(
        array, flags=["external_loop", "buffered"], buffersize=max(_COPY_BYTES // array.itemsize, 1), order="C"
    )
    for step in steps:
        yield np.ascontiguousarray(step)


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
        dtype = self.dtype
        if load.mmap_mode is not None and self.allow_mmap:
            array = self._mapped(load)
        elif dtype.hasobject:
            array = load.nested()
        else:
            array = self._read(load._source)
        if load.ensure_native_byte_order:
            array = native(array)
        kind = self.subclass
        if kind is not np.ndarray and kind is not np.memmap and issubclass(kind, np.ndarray):
            array = array.view(kind)
        return array

    def _padding(self, source: Any) -> int:
        """Reads up to the array's first byte. How many bytes that were."""
        if self.numpy_array_alignment_bytes is None:
            return 0
        size: int = source.exactly(1, "padding")[0]
        source.exactly(size, "padding")
        return 1 + size

    def _read(self, source: Any) -> Any:
        self._padding(source)
        size = prod(map(int, self.shape)) * self.dtype.itemsize
        source.expect(size, "array data")
        array = np.empty(self.shape, self.dtype, "F" if self.order == "F" else "C")
        if size:
            source.fill(array, size, "array data")
        return array

    def _mapped(self, load: Any) -> Any:
        source = load._source
        start = source.tell()
        offset = start + self._padding(source)
        mode = "r+" if load.mmap_mode == "w+" else load.mmap_mode
        size = prod(map(int, self.shape)) * self.dtype.itemsize
        source.expect(size, "array data")
        array: Any = np.memmap(
            load.filename, dtype=self.dtype, mode=mode, offset=offset, shape=self.shape, order=self.order
        )
        source.skip(size)
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
    dtype = array.dtype
    order = dtype.byteorder
    if order == "|" and dtype.fields:
        return all(field[0].byteorder == _FOREIGN for field in dtype.fields.values())
    return bool(order == _FOREIGN)


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
