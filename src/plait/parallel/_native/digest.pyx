# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The stream of bytes that a digest is taken over. What it is, and why, is said in `hashing`."""

cimport cython
from cpython.buffer cimport PyBUF_READ
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcmp, memcpy

import copyreg
import hashlib
import pickle
import sys
from functools import partial
from importlib import import_module
from itertools import islice
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType

from plait.parallel.persist import names

cdef extern from "Python.h":
    int Py_EnterRecursiveCall(const char* where) except -1
    void Py_LeaveRecursiveCall()
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1
    double PyFloat_AS_DOUBLE(object number)
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const char* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bytes PyUnicode_AsEncodedString(object text, const char* encoding, const char* errors)

cdef extern from *:
    """
    #define plait_swap64 __builtin_bswap64
    #define plait_prefetch(thing) do { __builtin_prefetch(thing); __builtin_prefetch((char*)(thing) + 64); } while (0)
    """
    void plait_prefetch(const void* thing) noexcept nogil
    uint64_t plait_swap64(uint64_t number) noexcept nogil

cdef enum:
    BATCH = 1000  # items of a list or dict between two marks
    LARGE_BYTES = 65536  # an object's bytes from here on are not copied into the stream
    FIRST_BYTES = 1024
    FIRST_SLOTS = 64  # a power of two
    AHEAD = 8  # items of a dict that are asked for before they are needed
    MANY_KEYS = 200  # from here on a sort of our own is quicker than the list's

cdef object PicklingError = pickle.PicklingError
cdef object PickleBuffer = pickle.PickleBuffer
cdef object METHODS = (MethodType, BuiltinMethodType)
cdef dict EXTENSIONS = copyreg._extension_registry
# Interpreters differ in how they pickle what lies within a class; the digest is that of the interpreter at hand.
cdef bint GETATTR_FIRST = hasattr(pickle._Pickler, "_save_toplevel_by_name")
cdef bytes SET_NAME = f"c{names.HASHING_MODULE}\n{names.SORTED_SET}\n".encode()
cdef bytes METHOD_NAME = f"c{names.HASHING_MODULE}\n{names.BOUND_METHOD}\n".encode()


MD5 = partial(hashlib.md5, usedforsecurity=False)
SHA1 = partial(hashlib.sha1, usedforsecurity=False)


cdef struct Slot:
    PyObject* thing  # owned
    Py_ssize_t number


@cython.final
cdef class Memo:
    """Which objects were written, by identity, each with its number. It keeps them alive, so that no other gets their address."""

    cdef Slot* slots
    cdef Py_ssize_t mask
    cdef Py_ssize_t used

    def __dealloc__(self):
        cdef Py_ssize_t at
        if self.slots != NULL:
            for at in range(self.mask + 1):
                if self.slots[at].thing != NULL:
                    Py_DECREF(<object>self.slots[at].thing)
            free(self.slots)

    cdef inline Slot* slot(self, PyObject* thing) noexcept:
        """Its slot, or the empty one where it would be."""
        cdef uint64_t at = ((<uint64_t><uintptr_t>thing >> 4) * <uint64_t>0x9E3779B97F4A7C15) >> 20
        while True:
            at &= self.mask
            if self.slots[at].thing == thing or self.slots[at].thing == NULL:
                return &self.slots[at]
            at += 1

    cdef inline Py_ssize_t find(self, object thing) noexcept:
        """Its number; -1 where it was not written."""
        cdef Slot* slot
        if self.used == 0:
            return -1
        slot = self.slot(<PyObject*>thing)
        return -1 if slot.thing == NULL else slot.number

    cdef int add(self, object thing, Py_ssize_t number) except -1:
        cdef Slot* slot
        if self.slots == NULL or self.used * 2 > self.mask:
            self.grow()
        slot = self.slot(<PyObject*>thing)
        if slot.thing == NULL:
            Py_INCREF(thing)
            slot.thing = <PyObject*>thing
            self.used += 1
        slot.number = number
        return 0

    cdef int grow(self) except -1:
        cdef Slot* old = self.slots
        cdef Py_ssize_t count = 0 if old == NULL else self.mask + 1, at
        cdef Py_ssize_t larger = count * 4 if count else FIRST_SLOTS
        cdef Slot* slots = <Slot*>calloc(larger, sizeof(Slot))
        if slots == NULL:
            raise MemoryError
        self.slots = slots
        self.mask = larger - 1
        for at in range(count):
            if old[at].thing != NULL:
                self.slot(old[at].thing)[0] = old[at]
        free(old)
        return 0


cdef class Hasher:
    """The digest of one value; see `hashing.Hasher`.

    algorithm() makes the object of hashlib's interface. sight: what to know of arrays, None where no array can be.
    """

    cdef char* buffer
    cdef Py_ssize_t size, room
    cdef list parts  # of the stream, before the buffer
    cdef Memo memo
    cdef Py_ssize_t written  # objects that have a number
    cdef Py_ssize_t set_class, method_class  # their numbers; -1
    cdef object algorithm
    cdef object sum  # the hash object; None until it is needed
    cdef object ndarray, memmap, dtype, uint8
    cdef bint arrays, coerce_mmap
    cdef bint overridden  # a subclass has a `save` of its own

    def __cinit__(self, *args, **kwargs):
        self.buffer = <char*>malloc(FIRST_BYTES)
        if self.buffer == NULL:
            raise MemoryError
        self.room = FIRST_BYTES
        self.memo = Memo()
        self.set_class = self.method_class = -1

    def __dealloc__(self):
        free(self.buffer)

    cdef start(self, algorithm, bint coerce_mmap, numpy):
        """numpy: the module, None where it is not loaded."""
        self.algorithm = algorithm
        self.coerce_mmap = coerce_mmap
        self.overridden = type(self).save is not Hasher.save
        if numpy is not None:
            self.arrays = True
            self.ndarray = numpy.ndarray
            self.memmap = numpy.memmap
            self.dtype = numpy.dtype
            self.uint8 = numpy.uint8

    def __init__(self, algorithm, bint coerce_mmap=False, numpy=None):
        self.start(algorithm, coerce_mmap, numpy)

    @property
    def _hash(self):
        """The hash object, for a subclass that adds to it."""
        if self.sum is None:
            self.sum = self.algorithm()
        return self.sum

    def hash(self, obj, return_digest=True):
        """The digest of obj as hexadecimal text."""
        try:
            self.dump(obj)
        except PicklingError as error:
            error.args += (f"PicklingError while hashing {obj!r}: {error!r}",)
            raise
        stream = PyMemoryView_FromMemory(self.buffer, self.size, PyBUF_READ)
        if self.sum is None and self.parts is None:
            self.sum = self.algorithm(stream)
        else:
            for part in self.parts or ():
                self._hash.update(part)
            self._hash.update(stream)
        return self.sum.hexdigest() if return_digest else None

    cdef dump(self, obj):
        self.write(b"\x80\x03", 2)
        self.child(obj)
        self.opcode(b".")

    def save(self, obj):
        """Adds obj to the stream. A subclass may replace what it adds."""
        self.put(obj)

    # -- bytes

    cdef int more_room(self, Py_ssize_t needed) except -1:
        cdef Py_ssize_t room = self.room
        cdef char* larger
        while room < self.size + needed:
            room *= 2
        larger = <char*>realloc(self.buffer, room)
        if larger == NULL:
            raise MemoryError
        self.buffer = larger
        self.room = room
        return 0

    cdef inline int write(self, const char* data, Py_ssize_t size) except -1:
        if self.size + size > self.room:
            self.more_room(size)
        memcpy(self.buffer + self.size, data, size)
        self.size += size
        return 0

    cdef inline int opcode(self, char code) except -1:
        if self.size == self.room:
            self.more_room(1)
        self.buffer[self.size] = code
        self.size += 1
        return 0

    cdef inline int sized(self, char code, uint32_t number) except -1:
        """An opcode and four bytes."""
        if self.size + 5 > self.room:
            self.more_room(5)
        self.buffer[self.size] = code
        memcpy(self.buffer + self.size + 1, &number, 4)
        self.size += 5
        return 0

    cdef inline int short_sized(self, char code, uint8_t number) except -1:
        """An opcode and one byte."""
        self.opcode(code)
        self.opcode(<char>number)
        return 0

    cdef int large(self, data) except -1:
        """Bytes that are kept, not copied."""
        if self.parts is None:
            self.parts = []
        self.parts.append(self.buffer[: self.size])
        self.parts.append(data)
        self.size = 0
        return 0

    # -- the memo

    cdef inline int number(self) except -1:
        """The next number goes to what was written just now."""
        if self.written < 256:
            self.short_sized(b"q", <uint8_t>self.written)
        else:
            self.sized(b"r", <uint32_t>self.written)
        self.written += 1
        return 0

    cdef inline int remember(self, obj) except -1:
        """Numbers obj, but for text and bytes: equal ones would differ by being one object or two."""
        if isinstance(obj, (bytes, str)):
            return 0
        self.memo.add(obj, self.written)
        return self.number()

    cdef inline int get(self, Py_ssize_t number) except -1:
        if number < 256:
            return self.short_sized(b"h", <uint8_t>number)
        return self.sized(b"j", <uint32_t>number)

    cdef inline bint recalled(self, obj) except -1:
        """Whether obj was written before; then its number is all there is to write."""
        cdef Py_ssize_t number = self.memo.find(obj)
        if number < 0:
            return False
        self.get(number)
        return True

    # -- values

    cdef inline int child(self, obj) except -1:
        if self.overridden:
            self.save(obj)
            return 0
        return self.put(obj)

    cdef int put(self, obj) except -1:
        kind = type(obj)
        if kind is str:
            return self.put_text(obj)
        if kind is int:
            return self.put_int(obj)
        if kind is float:
            return self.put_float(obj)
        if obj is None:
            return self.opcode(b"N")
        if kind is bool:
            return self.opcode(b"\x88" if obj is True else b"\x89")
        if kind is bytes:
            return self.put_bytes(obj)
        Py_EnterRecursiveCall(" while a value is hashed")
        try:
            return self.put_compound(obj, kind)
        finally:
            Py_LeaveRecursiveCall()

    cdef int put_compound(self, obj, kind) except -1:
        if kind is tuple:
            return 0 if self.recalled(obj) else self.put_tuple(obj)
        if kind is dict:
            if self.recalled(obj):
                return 0
            return self.put_dict(obj)
        if kind is list:
            if self.recalled(obj):
                return 0
            self.opcode(b"]")
            self.remember(obj)
            return self.put_elements(obj)
        if kind is set:
            return self.put_set(obj)
        if self.arrays:
            if isinstance(obj, self.ndarray) and not obj.dtype.hasobject:
                return self.put_array(obj)
            if isinstance(obj, self.dtype):
                return self.put_dtype(obj)
        if isinstance(obj, METHODS):
            return self.put_method(obj)
        return 0 if self.recalled(obj) else self.put_other(obj, kind)

    cdef int put_text(self, text) except -1:
        cdef bytes encoded
        if PyUnicode_IS_COMPACT_ASCII(text) and PyUnicode_GET_LENGTH(text) < LARGE_BYTES:
            self.sized(b"X", <uint32_t>PyUnicode_GET_LENGTH(text))
            return self.write(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
        encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass")
        return self.put_long(b"X", encoded)

    cdef int put_bytes(self, bytes data) except -1:
        if PyBytes_GET_SIZE(data) < 256:
            self.short_sized(b"C", <uint8_t>PyBytes_GET_SIZE(data))
            return self.write(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        return self.put_long(b"B", data)

    cdef int put_long(self, char code, bytes data) except -1:
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        if size > 0xFFFFFFFF:
            raise OverflowError(f"a text or bytes object of {size} bytes: what is hashed may have 4 GiB at most")
        self.sized(code, <uint32_t>size)
        if size >= LARGE_BYTES:
            return self.large(data)
        return self.write(PyBytes_AS_STRING(data), size)

    cdef int put_int(self, obj) except -1:
        cdef int overflow = 0
        cdef int64_t number = PyLong_AsLongLongAndOverflow(obj, &overflow)
        cdef bytes encoded
        cdef Py_ssize_t size
        if overflow:
            encoded = pickle.encode_long(obj)
            size = PyBytes_GET_SIZE(encoded)
            if size < 256:
                self.short_sized(b"\x8a", <uint8_t>size)
                return self.write(PyBytes_AS_STRING(encoded), size)
            return self.put_long(b"\x8b", encoded)
        if 0 <= number <= 0xFF:
            return self.short_sized(b"K", <uint8_t>number)
        if 0 <= number <= 0xFFFF:
            self.opcode(b"M")
            return self.write(<char*>&number, 2)
        if -0x80000000 <= number <= 0x7FFFFFFF:
            return self.sized(b"J", <uint32_t><int64_t>number)
        size = 5
        while size < 8 and not -(<int64_t>1 << (8 * size - 1)) <= number < (<int64_t>1 << (8 * size - 1)):
            size += 1
        self.short_sized(b"\x8a", <uint8_t>size)
        return self.write(<char*>&number, size)

    cdef int put_float(self, obj) except -1:
        cdef double number = PyFloat_AS_DOUBLE(obj)
        cdef uint64_t bits
        memcpy(&bits, &number, 8)
        bits = plait_swap64(bits)
        self.opcode(b"G")
        return self.write(<char*>&bits, 8)

    cdef int put_tuple(self, tuple obj) except -1:
        cdef Py_ssize_t size = PyTuple_GET_SIZE(obj), at, number
        if size == 0:
            return self.opcode(b")")
        if size > 3:
            self.opcode(b"(")
        for at in range(size):
            self.child(<object>PyTuple_GET_ITEM(obj, at))
        number = self.memo.find(obj)
        if number >= 0:  # one of its elements holds the tuple itself, and has written it
            if size > 3:
                self.opcode(b"1")
            else:
                for at in range(size):
                    self.opcode(b"0")
            return self.get(number)
        self.opcode(b"t" if size > 3 else <char>(0x84 + size))
        return self.remember(obj)

    cdef int put_elements(self, elements) except -1:
        """The elements of a list, from any iterable, in batches."""
        cdef Py_ssize_t size = BATCH, at
        cdef list batch
        elements = iter(elements)
        while size == BATCH:
            batch = list(islice(elements, BATCH))
            size = PyList_GET_SIZE(batch)
            if size == 1:
                self.child(batch[0])
                self.opcode(b"a")
            elif size:
                self.opcode(b"(")
                for at in range(size):
                    self.child(<object>PyList_GET_ITEM(batch, at))
                self.opcode(b"e")
        return 0

    cdef int put_dict(self, dict obj) except -1:
        cdef list keys = list(obj), values
        self.opcode(b"}")
        self.remember(obj)
        if len(keys) >= MANY_KEYS and all_ascii(keys):
            keys, values = in_order(obj)
        elif all_of(keys, str) or all_of(keys, int):
            keys.sort()
            values = [<object>PyDict_GetItem(obj, key) for key in keys]
        else:
            return self.put_items(obj.items())
        try:
            return self.put_pairs(keys, values)
        except TypeError:
            return self.put_by_digest(obj.items())

    cdef int put_items(self, items) except -1:
        """The items of a dict in the order of their keys; of the keys' digests where keys of several types have none.

        A TypeError of what is hashed, not of the comparison, has the items written once more: a digest of joblib may
        depend on it.
        """
        cdef list pairs
        try:
            pairs = sorted(items)
            return self.put_pairs([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        except TypeError:
            return self.put_by_digest(items)

    cdef int put_by_digest(self, items) except -1:
        cdef list pairs = sorted([(digest(key), value) for key, value in items])
        return self.put_pairs([pair[0] for pair in pairs], [pair[1] for pair in pairs])

    cdef int put_pairs(self, list keys, list values) except -1:
        cdef Py_ssize_t count = PyList_GET_SIZE(keys), start, at, end
        for start in range(0, count, BATCH):
            end = min(start + BATCH, count)
            if end - start > 1:
                self.opcode(b"(")
            for at in range(start, end):
                if at + AHEAD < count:  # in the order of their keys they lie all over the memory
                    plait_prefetch(PyList_GET_ITEM(keys, at + AHEAD))
                    plait_prefetch(PyList_GET_ITEM(values, at + AHEAD))
                self.child(<object>PyList_GET_ITEM(keys, at))
                self.child(<object>PyList_GET_ITEM(values, at))
            self.opcode(b"u" if end - start > 1 else b"s")
        return 0

    cdef int put_set(self, elements) except -1:
        """A set is an object that holds its elements in order, or their digests where they have none."""
        cdef list ordered
        try:
            ordered = sorted(elements)
        except (TypeError, ArithmeticError) as error:
            if not isinstance(error, TypeError) and not is_decimal(error):
                raise
            ordered = sorted([digest(element) for element in elements])
        self.set_class = self.put_class(SET_NAME, self.set_class)
        return self.put_state({"_sequence": ordered})

    cdef int put_method(self, method) except -1:
        """A method is an object that holds its name, its object and that one's class."""
        name = method.__func__.__name__ if hasattr(method, "__func__") else method.__name__
        owner = method.__self__
        if type(owner) is ModuleType:
            args = (name, owner.__name__)
        elif owner is None:
            args = (name, None)
        else:
            args = (name, owner, owner.__class__)
        self.method_class = self.put_class(METHOD_NAME, self.method_class)
        return self.put_state({"args": args})

    cdef Py_ssize_t put_class(self, bytes name, Py_ssize_t number) except -2:
        """A class that digests know by name; its number."""
        if number >= 0:
            self.get(number)
            return number
        self.write(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name))
        self.number()
        return self.written - 1

    cdef int put_state(self, dict state) except -1:
        """A new object of the class that was written, and its state."""
        self.write(b")\x81", 2)
        self.number()
        self.child(state)
        return self.opcode(b"b")

    # -- arrays

    cdef int put_array(self, array) except -1:
        """The bytes go into the hash at once; into the stream goes what kind of array it is."""
        flags = array.flags
        if array.shape == ():
            flat = array.flatten()
        elif flags.c_contiguous:
            flat = array
        elif flags.f_contiguous:
            flat = array.T
        else:
            flat = array.flatten()
        try:
            data = memoryview(flat.view(self.uint8))
        except ValueError:  # of a subclass that can not be seen as bytes, such as a masked array
            return 0 if self.recalled(array) else self.put_other(array, type(array))
        self._hash.update(data)
        self.child(self.ndarray if self.coerce_mmap and isinstance(array, self.memmap) else array.__class__)
        self.write(b"(X\x06\x00\x00\x00HASHED", 12)
        self.child(array.dtype)
        self.child(array.shape)
        self.child(array.strides)
        self.opcode(b"t")
        self.number()
        self.opcode(b"\x86")
        return self.number()

    cdef int put_dtype(self, dtype) except -1:
        """Apart from the stream: equal ones are one object or two, as it happens."""
        self._hash.update(b"_HASHED_DTYPE")
        self._hash.update(pickle.dumps(dtype))
        return 0

    # -- everything else

    cdef int put_other(self, obj, kind) except -1:
        if kind is type or kind is FunctionType:
            return self.put_global(obj, None)
        if kind is bytearray:
            return self.put_reduced(bytearray, (bytes(obj),) if obj else (), None, None, None, None, obj, True)
        if kind is frozenset:
            return self.put_reduced(frozenset, (list(obj),), None, None, None, None, obj, True)
        if kind is PickleBuffer:
            raise PicklingError("PickleBuffer can only be pickled with protocol >= 5")
        reduce = copyreg.dispatch_table.get(kind)
        if reduce is not None:
            reduced = reduce(obj)
        elif issubclass(kind, type):
            return self.put_global(obj, None)
        else:
            reduce = getattr(obj, "__reduce_ex__", None)
            if reduce is not None:
                reduced = reduce(3)
            else:
                reduce = getattr(obj, "__reduce__", None)
                if reduce is None:
                    raise PicklingError(f"Can't pickle {kind.__name__!r} object: {obj!r}")
                reduced = reduce()
        if isinstance(reduced, str):
            return self.put_global(obj, reduced)
        if not isinstance(reduced, tuple):
            raise PicklingError(f"{reduce} must return string or tuple")
        if not 2 <= len(reduced) <= 6:
            raise PicklingError(f"Tuple returned by {reduce} must have two to six elements")
        function, args, state, elements, items, setter = <tuple>reduced + (None,) * (6 - len(reduced))
        return self.put_reduced(function, args, state, elements, items, setter, obj, True)

    cdef int put_reduced(self, function, args, state, elements, items, setter, obj, bint numbered) except -1:
        """What __reduce__ gave for obj. numbered: whether obj gets a number."""
        cdef Py_ssize_t number
        if not isinstance(args, tuple):
            raise PicklingError(f"__reduce__ of {obj!r}: its arguments must be a tuple, not {args!r}")
        if not callable(function):
            raise PicklingError(f"__reduce__ of {obj!r}: {function!r} can not be called")
        self.put_made(function, args, obj, numbered)
        if numbered:
            number = self.memo.find(obj)
            if number >= 0:  # its own arguments hold it, and have written it
                self.opcode(b"0")
                self.get(number)
            else:
                self.remember(obj)
        if elements is not None:
            self.put_elements(elements)
        if items is not None:
            self.put_items(items)
        if state is not None:
            if setter is None:
                self.child(state)
                self.opcode(b"b")
            else:
                self.child(setter)
                self.child(obj)
                self.child(state)
                self.write(b"\x86R0", 3)
        return 0

    cdef int put_made(self, function, tuple args, obj, bint numbered) except -1:
        """The making of an object: its class and arguments, or a function and its arguments."""
        name = getattr(function, "__name__", "")
        if name == "__newobj_ex__":
            kind, args, keywords = args
            self.check_class(name, kind, obj, numbered)
            self.child(partial(kind.__new__, kind, *args, **keywords))
            self.child(())
            return self.opcode(b"R")
        if name == "__newobj__":
            kind = args[0]
            self.check_class(name, kind, obj, numbered)
            self.child(kind)
            self.child(args[1:])
            return self.opcode(b"\x81")
        self.child(function)
        self.child(args)
        return self.opcode(b"R")

    cdef check_class(self, name, kind, obj, bint numbered):
        if not hasattr(kind, "__new__"):
            raise PicklingError(f"args[0] from {name} args has no __new__: {kind!r}")
        if numbered and kind is not obj.__class__:
            raise PicklingError(f"args[0] from {name} args has the wrong class: {kind!r} for {obj!r}")

    cdef int put_global(self, obj, name) except -1:
        """A function or class: its name."""
        if name is None:
            name = getattr(obj, "__qualname__", None)
            if name is None:
                name = obj.__name__
        module_name = getattr(obj, "__module__", None)
        if module_name is None:
            module_name = pickle.whichmodule(obj, name)
        parent = named(obj, module_name, name)
        code = EXTENSIONS.get((module_name, name))
        if code:
            return self.put_extension(code)
        path = name.split(".")
        if len(path) == 1:
            self.put_name(module_name, name)
        elif GETATTR_FIRST:
            for _ in path[1:]:
                self.child(getattr)
            self.put_name(module_name, path[0])
            for attribute in path[1:]:
                self.child(attribute)
                self.write(b"\x86R", 2)
        else:
            self.put_reduced(getattr, (parent, path[len(path) - 1]), None, None, None, None, None, False)
        return self.remember(obj)

    cdef int put_name(self, str module_name, str name) except -1:
        cdef bytes data = b"c%b\n%b\n" % (module_name.encode(), name.encode())
        return self.write(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    cdef int put_extension(self, code) except -1:
        """What copyreg.add_extension has given a number."""
        cdef uint32_t number = code
        cdef int size = 1 if number <= 0xFF else 2 if number <= 0xFFFF else 4
        self.opcode(b"\x82" if size == 1 else b"\x83" if size == 2 else b"\x84")
        return self.write(<char*>&number, size)


cdef bint all_of(list things, kind) except -1:
    """Whether all are of exactly this type."""
    for thing in things:
        if type(thing) is not kind:
            return False
    return True


cdef bint all_ascii(list keys) except -1:
    """Whether all are texts of ASCII, whose order is that of their bytes."""
    for key in keys:
        if type(key) is not str or not PyUnicode_IS_COMPACT_ASCII(key):
            return False
    return True


cdef struct Item:
    uint64_t first  # the eight bytes that the order depends on most, as a number
    const char* rest  # what follows the bytes that all keys begin with
    Py_ssize_t size
    PyObject* key
    PyObject* value


cdef int by_key(const void* one, const void* other) noexcept nogil:
    cdef const Item* a = <const Item*>one
    cdef const Item* b = <const Item*>other
    cdef int order
    if a.first != b.first:
        return -1 if a.first < b.first else 1
    order = memcmp(a.rest, b.rest, min(a.size, b.size))
    return order if order else -1 if a.size < b.size else 1


cdef Py_ssize_t shared_bytes(Item* items, Py_ssize_t count) noexcept nogil:
    """How many bytes all keys begin with."""
    cdef Py_ssize_t shared = items[0].size, at, place
    for at in range(1, count):
        shared = min(shared, items[at].size)
        place = 0
        while place < shared and items[at].rest[place] == items[0].rest[place]:
            place += 1
        shared = place
    return shared


cdef tuple in_order(dict texts):
    """The keys of a dict, ASCII all, in order, and their values."""
    cdef Py_ssize_t count = len(texts), at = 0, place = 0, shared
    cdef PyObject* key
    cdef PyObject* value
    cdef Item* items = <Item*>malloc(count * sizeof(Item))
    if items == NULL:
        raise MemoryError
    try:
        while at < count and PyDict_Next(texts, &place, &key, &value):
            items[at].rest = PyUnicode_DATA(<object>key)
            items[at].size = PyUnicode_GET_LENGTH(<object>key)
            items[at].key = key
            items[at].value = value
            at += 1
        shared = shared_bytes(items, count)
        for at in range(count):
            items[at].rest += shared
            items[at].size -= shared
            items[at].first = 0
            memcpy(&items[at].first, items[at].rest, min(items[at].size, 8))
            items[at].first = plait_swap64(items[at].first)
        qsort(items, count, sizeof(Item), by_key)
        return [<object>items[at].key for at in range(count)], [<object>items[at].value for at in range(count)]
    finally:
        free(items)


cdef named(obj, module_name, name):
    """The module or class in which obj is found by its name. Raises PicklingError where it is not."""
    try:
        module = sys.modules.get(module_name)
        found = import_module(module_name) if module is None else module
        for attribute in name.split("."):
            parent = found
            found = getattr(parent, attribute)
    except (ImportError, KeyError, AttributeError, TypeError, ValueError):
        raise PicklingError(f"Can't pickle {obj!r}: it's not found as {module_name}.{name}") from None
    if found is not obj:
        raise PicklingError(f"Can't pickle {obj!r}: it's not the same object as {module_name}.{name}")
    return parent


cdef bint is_decimal(error):
    """Whether a comparison failed for a signalling NaN."""
    decimal = sys.modules.get("decimal")
    return decimal is not None and isinstance(error, decimal.InvalidOperation)


cpdef str digest(obj, algorithm=MD5, bint coerce_mmap=False):
    """The digest of obj; by default joblib's."""
    return Hasher(algorithm, coerce_mmap, sys.modules.get("numpy")).hash(obj)
