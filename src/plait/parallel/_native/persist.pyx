# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""Marks for arrays in the output of a pickler, and a source that an unpickler can be interrupted at. See persist.writing and .reading."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

from plait.parallel.persist.errors import DamagedFile

cdef enum:
    LINE = -1  # the argument ends with a line feed
    LINES = -2  # it has two
    COUNTED1 = -3  # it begins with its length, in so many bytes
    COUNTED4 = -4
    COUNTED8 = -5
    UNKNOWN = -6

# How long each opcode's argument is: bytes, or one of the above.
cdef signed char[256] ARGUMENT


cdef void tell_arguments():
    cdef int code
    for code in range(256):
        ARGUMENT[code] = UNKNOWN
    for code in b"(.012NRab}edlQo]s)tu\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98":
        ARGUMENT[code] = 0
    for code in b"FILPSVgp":
        ARGUMENT[code] = LINE
    for code in b"ci":
        ARGUMENT[code] = LINES
    for code in b"Khq\x80\x82":
        ARGUMENT[code] = 1
    for code in b"M\x83":
        ARGUMENT[code] = 2
    for code in b"Jjr\x84":
        ARGUMENT[code] = 4
    for code in b"G\x95":
        ARGUMENT[code] = 8
    for code in b"UC\x8a\x8c":
        ARGUMENT[code] = COUNTED1
    for code in b"TBX\x8b":
        ARGUMENT[code] = COUNTED4
    for code in b"\x8d\x8e\x96":
        ARGUMENT[code] = COUNTED8


tell_arguments()


cdef class Arrays:
    """The arrays that a pickler has met, each with its number. types: those that count as arrays, exactly."""

    cdef tuple types
    cdef readonly list met
    cdef readonly Py_ssize_t placed  # how many of them the file has

    def __init__(self, tuple types):
        self.types = types
        self.met = []

    def number(self, thing):
        """The persistent id of a thing: None of what is no array."""
        cdef type kind = type(thing)
        if kind is self.types[0] or kind is self.types[1] or kind is self.types[2]:
            self.met.append(thing)
            return len(self.met) - 1
        return None


cdef class Splice:
    """The file of a pickler: passes on what is written, with arrays where their marks are.

    A mark is the number of an array and the opcode for a persistent id. What comes is whole opcodes, but that the
    bytes of a large object come on their own, after the opcode that has their length.
    """

    cdef object pass_on
    cdef Arrays arrays
    cdef object writer
    cdef int protocol
    cdef Py_ssize_t owed  # bytes of a large object that are still to come

    def __init__(self, pass_on, Arrays arrays not None, writer, int protocol):
        self.pass_on = pass_on
        self.arrays = arrays
        self.writer = writer
        self.protocol = protocol

    def write(self, data):
        cdef bytes text
        if self.owed:
            self.owed -= memoryview(data).nbytes
            self.pass_on(data)
        elif self.arrays.placed == len(self.arrays.met):
            self.pass_on(data)
        else:
            self.split(bytes(data))

    cdef split(self, bytes data):
        """Opcodes among which there may be marks."""
        cdef const uint8_t* text = <const uint8_t*>PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), start = 0, at = 0, last = 0, next
        if self.protocol >= 2 and size >= 2 and text[0] == 0x80:
            self.pass_on(data[:2])
            at = start = 2
        while at < size:
            if text[at] == 0x95:  # a frame, whose length changes
                self.frame(data, start, at)
                start = at + 9
            elif text[at] == b"Q":
                self.place(data, start, last)
                start = at + 1
            elif text[at] == b"P":
                self.place(data, start, at)
                start = end_of(text, at, size)
            last = at
            at = end_of(text, at, size)
        self.owed = at - size
        self.frame(data, start, size)

    cdef place(self, bytes data, Py_ssize_t start, Py_ssize_t end):
        """The opcodes before a mark, then the array."""
        array = self.arrays.met[self.arrays.placed]
        self.arrays.met[self.arrays.placed] = None
        self.arrays.placed += 1
        self.frame(data[start:end] + self.writer.record(array), 0, -1)
        self.writer.write(array)

    cdef frame(self, bytes data, Py_ssize_t start, Py_ssize_t end):
        if end < 0:
            end = PyBytes_GET_SIZE(data)
        if end == start:
            return
        if self.protocol >= 4 and end - start >= 4 and not self.owed:
            self.pass_on(b"\x95" + (end - start).to_bytes(8, "little"))
        self.pass_on(data[start:end])


cdef Py_ssize_t end_of(const uint8_t* text, Py_ssize_t at, Py_ssize_t size) except -1:
    """Where the opcode after the one at `at` begins; beyond size where the rest of a large object is to come."""
    cdef int kind = ARGUMENT[text[at]]
    cdef const void* found
    cdef uint64_t count = 0
    at += 1
    if kind >= 0:
        return at + kind
    if kind == LINE or kind == LINES:
        found = memchr(text + at, b"\n", size - at)
        if kind == LINES and found != NULL:
            found = memchr(<const uint8_t*>found + 1, b"\n", text + size - <const uint8_t*>found - 1)
        if found == NULL:
            raise AssertionError("an opcode's line does not end")
        return <const uint8_t*>found + 1 - text
    if kind == COUNTED1:
        return at + 1 + text[at]
    if kind == COUNTED4:
        memcpy(&count, text + at, 4)
        return at + 4 + count
    if kind == COUNTED8:
        memcpy(&count, text + at, 8)
        return at + 8 + count
    raise AssertionError(f"opcode {text[at - 1]} is not known")


cdef class Source:
    """What an unpickler reads from: a file, and after `interrupt` opcodes that ask for the array of a record.

    It gives what it is asked for and reads no further.
    """

    cdef object file
    cdef object read_file
    cdef readonly str name
    cdef public object record
    cdef int step  # of the interruption; 0: none

    def __init__(self, file, str name):
        self.file = file
        self.read_file = file.read
        self.name = name

    def interrupt(self, record):
        """The next opcodes drop the top of the stack and ask for the persistent object None."""
        self.record = record
        self.step = 1

    def read(self, Py_ssize_t size=-1):
        cdef int step = self.step
        if step:
            if size != 1:
                raise DamagedFile(f"{self.name}: an array's record is not the last of its frame; the file is damaged")
            self.step = 0 if step == 3 else step + 1
            return b"0NQ"[step - 1 : step]
        return self.read_file(size)

    def readline(self):
        return self.file.readline()

    def readinto(self, buffer):
        cdef Py_ssize_t done = 0, n
        view = memoryview(buffer).cast("B")
        while done < len(view):
            data = self.read_file(len(view) - done) if not hasattr(self.file, "readinto") else None
            if data is not None:
                n = len(data)
                view[done : done + n] = data
            else:
                n = self.file.readinto(view[done:])
            if n == 0:
                break
            done += n
        return done

    def exactly(self, Py_ssize_t size):
        """size bytes."""
        cdef bytes data = self.read_file(size)
        while len(data) < size:
            more = self.read_file(size - len(data))
            if not more:
                raise DamagedFile(f"EOF: reading padding, expected {size} bytes got {len(data)}; {self.name} is truncated")
            data += more
        return data

    def expect(self, size, str what):
        """Raises DamagedFile where the file is known to have fewer bytes left."""
        if size < 0:
            raise DamagedFile(f"{self.name}: an array of a negative size; the file is damaged")

    def fill(self, buffer, str what):
        """Reads until the buffer is full."""
        got = self.readinto(buffer)
        if got != len(buffer):
            raise DamagedFile(f"EOF: reading {what}, expected {len(buffer)} bytes got {got}; {self.name} is truncated")

    def tell(self):
        return self.file.tell()

    def seek(self, Py_ssize_t place):
        self.file.seek(place)
