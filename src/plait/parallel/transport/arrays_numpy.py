"""numpy arrays on their way: what they are reduced to, and how they are made again.

    over a user's file (np.memmap, or a view of one)   by reference: file, offset, shape, strides; never copied
    an argument from `max_nbytes` on                   as an np.memmap over shared memory, opened in `mmap_mode`
    anything else                                      by value, its buffer out of band where it is large

Where the buffers lie on the way is not known here: a large argument is an np.memmap for its task even if its bytes had
to be sent. `filename` of such an array names the memory, as /proc/self/maps does; there is no such file.
"""

from __future__ import annotations

import itertools
import mmap
import os
import pickle
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from plait.parallel.transport import shared_numpy
from plait.parallel.transport.identity import IdentityMap
from plait.parallel.transport.segments import Segment

OUT_OF_BAND_BYTES = 1 << 15  # from here on an array that is not contiguous is made so, to travel out of band

_serials = itertools.count()


class Notice(Protocol):
    """Hears which array a buffer is of, the mode it is to be opened in (None for memory of the receiver's own), and the
    segment that it lies in already."""

    def __call__(
        self, buffer: pickle.PickleBuffer, array: Any, mode: str | None, segment: Segment | None = None, /
    ) -> object: ...


class Reducer:
    """Reduces the arrays of one call's arguments."""

    def __init__(self, limit_bytes: int | None, mode: str | None, label: str, notice: Notice) -> None:
        self._limit = None if mode is None else limit_bytes
        self._mode = "r+" if mode == "w+" else mode
        self._label = label
        self._notice = notice
        self._names = IdentityMap()

    def table(self) -> dict[type, Callable[[Any], Any]]:
        return {np.ndarray: self.reduce, np.memmap: self.reduce}

    def reduce(self, array: np.ndarray[Any, Any]) -> Any:
        if array.base is not None:
            reduced = self._reduce_shared(array) or reduce_by_reference(array)
            if reduced is not None:
                return reduced
        if array.dtype.hasobject:
            return array.__reduce_ex__(5)
        nbytes = array.nbytes
        if self._limit is not None and nbytes > self._limit:
            raw, order = _raw(array)
            self._notice(raw, array, self._mode)
            return make_memmap, (raw, array.dtype, array.shape, order, self._mode, self._name(array))
        if nbytes >= OUT_OF_BAND_BYTES or type(array) is not np.ndarray:
            raw, order = _raw(array)
            self._notice(raw, array, None)
            return make_array, (raw, array.dtype, array.shape, order)
        return array.__reduce_ex__(5)

    def _name(self, array: np.ndarray[Any, Any]) -> str:
        name: str | None = self._names.find(array)
        if name is None:
            name = f"{self._label}/{next(_serials)}"
            self._names.set(array, name)
        return name

    def _reduce_shared(self, array: np.ndarray[Any, Any]) -> Any:
        """A reduction of an array that lies in memory made by share(), or is a view of one; else None."""
        found = shared_numpy.find(array)
        if found is None:
            return None
        mapping, segment, offset = found
        mode = self._mode or "r"
        raw = pickle.PickleBuffer(mapping)
        self._notice(raw, mapping, mode, segment)
        return make_view, (raw, array.dtype, array.shape, array.strides, offset, mode, f"{self._label}/shared")


def _raw(array: np.ndarray[Any, Any]) -> tuple[pickle.PickleBuffer, str]:
    """The array's bytes, copied only where they are not contiguous, and the order in which they are."""
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    flat: Any = np.asarray(array).ravel(order="K" if order == "F" else "C")
    return pickle.PickleBuffer(flat.view(np.uint8)), order


def make_array(buffer: Any, dtype: Any, shape: tuple[int, ...], order: Any) -> np.ndarray[Any, Any]:
    """A writable array over a buffer of its own."""
    return np.ndarray(shape, dtype, _writable(buffer), 0, None, order)


def make_memmap(buffer: Any, dtype: Any, shape: tuple[int, ...], order: Any, mode: str, name: str) -> Any:
    """An np.memmap over received memory."""
    memory = _writable(buffer)
    array: Any = np.ndarray.__new__(np.memmap, shape, dtype, memory, 0, None, order)
    return _described(array, memory, 0, mode, name)


def make_view(
    buffer: Any, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, mode: str, name: str
) -> Any:
    """An np.memmap over part of received memory."""
    memory = _writable(buffer)
    array: Any = np.ndarray.__new__(np.memmap, shape, dtype, memory, offset, strides)
    return _described(array, memory, offset, mode, name)


def _described(array: Any, memory: Any, offset: int, mode: str, name: str) -> Any:
    array._mmap = memory
    array.filename = name
    array.offset = offset
    array.mode = mode
    if mode == "r":
        array.flags.writeable = False
    return array


def _writable(buffer: Any) -> Any:
    """The received buffer itself: pickle hands it on within a read-only view where the sender's array was that."""
    return buffer.obj if isinstance(buffer, memoryview) else buffer


# -- arrays over files -----------------------------------------------------------------------------------------------


def backing_memmap(array: Any) -> Any:
    """The np.memmap that the array's memory belongs to, however it was viewed; None where there is none.

    Not every np.memmap has one: what is computed of one is of the same class.
    """
    owner: Any = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            owner = array
        array = array.base
    return owner if owner is not None and array is not None and array is owner._mmap else None


def file_memmap(array: Any) -> Any:
    """As backing_memmap(), of those over a file, which is a name that others may open."""
    owner = backing_memmap(array)
    return owner if owner is not None and owner.filename is not None and isinstance(owner._mmap, mmap.mmap) else None


def reduce_by_reference(array: np.ndarray[Any, Any]) -> Any:
    """A reduction that opens the array's file again; None where its memory is not a file's that is still there."""
    owner = file_memmap(array)
    if owner is None or not os.path.exists(owner.filename):
        return None
    low, high = np.lib.array_utils.byte_bounds(array)
    start = owner.__array_interface__["data"][0]
    offset = low - start + owner.offset
    first = array.__array_interface__["data"][0] - low  # of the first item, where strides are negative
    strides = None if array.flags.c_contiguous or array.flags.f_contiguous else array.strides
    order = "C" if array.flags.c_contiguous or strides is not None else "F"
    mode = "r+" if owner.mode == "w+" else owner.mode
    place = owner.filename, mode, offset, high - low, first
    return open_file_array, (*place, array.dtype, array.shape, strides, order, isinstance(array, np.memmap))


def open_file_array(
    filename: Any,
    mode: Any,
    offset: int,
    extent: int,
    first: int,
    dtype: Any,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    order: Any,
    as_memmap: bool,
) -> Any:
    """Part of a file as an array. offset, extent: the bytes that it covers. strides: None where it is contiguous."""
    array: Any
    if strides is None:
        array = np.memmap(filename, dtype, mode, offset, shape, order)
    else:
        memory = np.memmap(filename, np.uint8, mode, offset, (extent,))
        array = np.ndarray.__new__(np.memmap, shape, dtype, memory, first, strides)
    return array if as_memmap else np.asarray(array)
