# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The two ends of a file of `persist`: Splice, which a pickler writes to, and Source, which an unpickler reads from.

How the arrays' bytes come to lie within a pickle is said in `persist.writing` and `persist.reading`.
"""

from cpython.buffer cimport PyBUF_ANY_CONTIGUOUS, PyBUF_READ, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBUF_WRITE
from cpython.buffer cimport PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy

from io import RawIOBase

from plait.parallel.persist.errors import DamagedFile

cdef enum:
    LINE = -1  # the argument ends with a line feed
    LINES = -2  # it has two
    COUNTED1 = -3  # it begins with its length, in so many bytes
    COUNTED4 = -4
    COUNTED8 = -5
    UNKNOWN = -6

cdef enum:
    GATHERED_BYTES = 65536  # what is smaller than half of that is copied, and written with its neighbours
    AHEAD_BYTES = 65536

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


cdef Py_ssize_t end_of(const uint8_t* text, Py_ssize_t at, Py_ssize_t size) noexcept:
    """Where the opcode after the one at `at` begins: beyond size where it is cut off; -1 where it is none."""
    cdef int kind = ARGUMENT[text[at]]
    cdef const uint8_t* found
    cdef uint64_t count = 0
    at += 1
    if kind >= 0:
        return at + kind
    if kind == LINE or kind == LINES:
        found = <const uint8_t*>memchr(text + at, b"\n", size - at)
        if kind == LINES and found != NULL:
            found = <const uint8_t*>memchr(found + 1, b"\n", text + size - found - 1)
        return size + 1 if found == NULL else found + 1 - text
    if kind == COUNTED1:
        return at + 1 + text[at] if at < size else size + 1
    if kind == COUNTED4 and at + 4 <= size:
        memcpy(&count, text + at, 4)
        return at + 4 + <Py_ssize_t>count
    if kind == COUNTED8 and at + 8 <= size:
        memcpy(&count, text + at, 8)
        return at + 8 + <Py_ssize_t>count if count < <uint64_t>1 << 62 else <Py_ssize_t>1 << 62
    return -1 if kind == UNKNOWN else size + 1


cdef class Arrays:
    """The arrays that a pickler has met, each with its number. types: the three that count as arrays, exactly."""

    cdef object first, second, third
    cdef list met
    cdef Py_ssize_t placed  # how many of them the file has

    def __init__(self, tuple types not None):
        self.first, self.second, self.third = types
        self.met = []

    def number(self, thing):
        """The persistent id of a thing: None of what is no array."""
        kind = type(thing)
        if kind is self.first or kind is self.second or kind is self.third:
            self.met.append(thing)
            return len(self.met) - 1
        return None


cdef class Splice:
    """The file of a pickler: passes on what is written, with arrays where their marks are.

    A mark is the number of an array and the opcode for a persistent id. What comes is whole opcodes, but that the
    bytes of a large object come on their own, after the opcode that has their length.
    """

    cdef object file
    cdef object write_file
    cdef bint partial  # the file may take less than it is given
    cdef Arrays arrays
    cdef object writer
    cdef int protocol
    cdef Py_ssize_t owed  # bytes of a large object that are still to come
    cdef char* gathered
    cdef Py_ssize_t size  # of what is gathered
    cdef int64_t place  # in the file, of the first byte gathered; -1: not asked yet; -2: the file can not tell

    def __cinit__(self, *args, **kwargs):
        self.gathered = <char*>malloc(GATHERED_BYTES)
        if self.gathered == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.gathered)

    def __init__(self, file, int protocol, Arrays arrays=None, writer=None):
        self.file = file
        self.write_file = file.write
        self.partial = isinstance(file, RawIOBase)
        self.arrays = arrays
        self.writer = writer
        self.protocol = protocol
        self.place = -1

    def write(self, data):
        """What the pickler writes."""
        if self.owed:
            self.owed -= len(data)
            self.pass_on(data)
        elif self.arrays is None or self.arrays.placed == len(self.arrays.met):
            self.pass_on(data)
        else:
            self.split(data)

    def pass_on(self, data):
        """Any contiguous bytes, to the file."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_ANY_CONTIGUOUS)
        try:
            self.put(<const char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def tell(self):
        """The place in the file of what comes next; None where the file has none."""
        if self.place == -1:
            self.flush()
            try:
                self.place = self.file.tell()
            except (OSError, AttributeError):
                self.place = -2
        return None if self.place == -2 else self.place + self.size

    def flush(self):
        """What is gathered, to the file."""
        cdef Py_ssize_t size = self.size
        self.size = 0
        if size:
            self.put_through(self.gathered, size)

    cdef int put(self, const char* data, Py_ssize_t size) except -1:
        if self.size + size > GATHERED_BYTES:
            self.flush()
        if size > GATHERED_BYTES / 2:
            self.flush()
            return self.put_through(data, size)
        memcpy(self.gathered + self.size, data, size)
        self.size += size
        return 0

    cdef int put_through(self, const char* data, Py_ssize_t size) except -1:
        cdef Py_ssize_t done = 0, count
        while done < size:
            view = PyMemoryView_FromMemory(<char*>data + done, size - done, PyBUF_READ)
            taken = self.write_file(view)
            count = taken if self.partial and taken is not None else size - done
            if self.partial and taken is None:
                raise BlockingIOError(f"{self.file!r} does not block, and takes nothing more now")
            view.release()
            done += count
        if self.place >= 0:
            self.place += size
        return 0

    cdef int split(self, bytes data) except -1:
        """Opcodes among which there may be marks."""
        cdef const uint8_t* text = <const uint8_t*>PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), start = 0, at = 0, last = 0
        if self.protocol >= 2 and size >= 2 and text[0] == 0x80:
            self.put(<const char*>text, 2)
            at = start = 2
        while at < size:
            if text[at] == 0x95:  # a frame, whose length changes
                self.put_frame(<const char*>text + start, at - start)
                start = at + 9
            elif text[at] == b"Q":
                self.put_array(text + start, last - start)
                start = at + 1
            elif text[at] == b"P":
                self.put_array(text + start, at - start)
                start = end_of(text, at, size)
            last = at
            at = end_of(text, at, size)
            if at < 0:
                raise AssertionError(f"the pickler wrote the opcode {text[last]:#x}, which is not known here")
        self.owed = at - size
        if self.owed:
            return self.put(<const char*>text + start, size - start)
        return self.put_frame(<const char*>text + start, size - start)

    cdef int put_array(self, const uint8_t* text, Py_ssize_t size) except -1:
        """The opcodes before a mark, then the array."""
        cdef Py_ssize_t number = self.arrays.placed
        array = self.arrays.met[number]
        self.arrays.met[number] = None
        self.arrays.placed += 1
        opcodes = text[:size] + self.writer.record(array)
        self.put_frame(PyBytes_AS_STRING(opcodes), PyBytes_GET_SIZE(opcodes))
        self.writer.write(array)
        return 0

    cdef int put_frame(self, const char* data, Py_ssize_t size) except -1:
        if self.protocol >= 4 and size >= 4:
            self.put(b"\x95", 1)
            self.put(<char*>&size, 8)
        return self.put(data, size)


cpdef bytes opcodes_of_shape(shape):
    """A shape as opcodes that use no memo."""
    cdef bytearray out = bytearray(b"(")
    cdef bytes encoded
    for length in shape:
        if length <= 0xFF:
            out += b"K"
            out.append(length)
        elif length <= 0x7FFFFFFF:
            out += b"J" + length.to_bytes(4, "little")
        else:
            out += b"\x8a\x09" + length.to_bytes(9, "little")
    out += b"t"
    return bytes(out)


cdef int check_number(const uint8_t* text, Py_ssize_t size, Py_ssize_t given, str name) except -1:
    """A number for the unpickler's memo, among so many bytes."""
    cdef uint32_t number = 0xFFFFFFFF
    if size >= 4:
        memcpy(&number, text, 4)
    if number > given:
        raise DamagedFile(f"{name}: object number {number} among {given} bytes; the file is damaged")
    return 0


cdef int check_all(bytes data, Py_ssize_t given, str name) except -1:
    """All numbers for the memo among opcodes, up to one that ends the pickle or is none."""
    cdef const uint8_t* text = <const uint8_t*>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), at = 0
    while 0 <= at < size and text[at] != b".":
        if text[at] == b"r":
            check_number(text + at + 1, size - at - 1, given, name)
        at = end_of(text, at, size)
    return 0


def check_numbers(bytes data not None, str name not None):
    """Raises DamagedFile where a pickle has a number for the unpickler's memo that it can not need."""
    check_all(data, PyBytes_GET_SIZE(data), name)


cdef class Source:
    """What an unpickler reads from: a file, and after `interrupt` opcodes that ask for the array of a record.

    It gives what it is asked for and reads no further, but of a file of its own, of which `first` was read and which
    has `end` bytes. Numbers for the unpickler's memo, whose size they decide, are checked: one in a damaged file may
    be 4 billion.
    """

    cdef object file
    cdef object read_file
    cdef readonly str name
    cdef public object record
    cdef int step  # of the interruption; 0: none
    cdef bytes ahead  # read from the file and, up to `at`, given
    cdef Py_ssize_t at
    cdef bint owned
    cdef Py_ssize_t end  # bytes of the file; -1: not known
    cdef Py_ssize_t given  # bytes, up to now
    cdef uint8_t opcode  # that was read on its own last, until its argument has come

    def __init__(self, file, str name not None, bytes first=b"", Py_ssize_t end=-1):
        self.file = file
        self.read_file = file.read
        self.name = name
        self.ahead = first
        self.owned = end >= 0
        self.end = end

    def interrupt(self, record):
        """The next opcodes drop the top of the stack and ask for the persistent object None."""
        self.record = record
        self.step = 1

    def read(self, Py_ssize_t size=-1):
        cdef int step = self.step
        cdef uint8_t opcode = self.opcode
        cdef bytes data
        if step:
            if size != 1:
                raise DamagedFile(f"{self.name}: an array's record is not the last of its frame; the file is damaged")
            self.step = 0 if step == 3 else step + 1
            return b"0NQ"[step - 1 : step]
        data = self.take(size)
        if size == 1:
            self.opcode = <uint8_t>PyBytes_AS_STRING(data)[0] if PyBytes_GET_SIZE(data) else 0
            if self.opcode != 0x95 and self.opcode != b"r":
                self.opcode = 0
        elif opcode == b"r":
            self.opcode = 0
            check_number(<const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), self.given, self.name)
        elif opcode == 0x95:
            self.opcode = 0x96 if size == 8 else 0
        elif opcode == 0x96:
            self.opcode = 0
            check_all(data, self.given, self.name)
        return data

    cdef bytes take(self, Py_ssize_t size):
        """size bytes, fewer at the end; all where size is negative."""
        cdef Py_ssize_t there = PyBytes_GET_SIZE(self.ahead) - self.at
        cdef bytes data
        if size >= 0 and size <= there:
            data = PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.ahead) + self.at, size)
            self.at += size
            self.given += size
            return data
        if self.owned:
            if size < 0 or size > self.left():
                size = self.left()
            self.read_ahead(size - there)
            return self.take(min(size, PyBytes_GET_SIZE(self.ahead) - self.at))
        data = self.read_file(size)
        self.given += PyBytes_GET_SIZE(data)
        return data

    cdef Py_ssize_t left(self) noexcept:
        """Bytes of a file of its own that were not given."""
        return max(self.end - self.given, 0)

    cdef int read_ahead(self, Py_ssize_t more) except -1:
        """At least so many bytes more into `ahead`, fewer at the end."""
        cdef list parts = [self.ahead[self.at :]]
        while more > 0:
            part = self.read_file(max(more, AHEAD_BYTES))
            if not part:
                break
            parts.append(part)
            more -= len(part)
        self.ahead = b"".join(parts)
        self.at = 0
        return 0

    def readline(self):
        cdef const char* start
        cdef const char* found
        if not self.owned:
            line = self.file.readline()
            self.given += len(line)
            return line
        while True:
            start = PyBytes_AS_STRING(self.ahead) + self.at
            found = <const char*>memchr(start, b"\n", PyBytes_GET_SIZE(self.ahead) - self.at)
            if found != NULL:
                return self.take(found + 1 - start)
            if PyBytes_GET_SIZE(self.ahead) - self.at == self.left():
                return self.take(-1)
            self.read_ahead(1)

    def readinto(self, buffer):
        """Fills a buffer, but at the end of the file. How many bytes that were."""
        cdef Py_buffer view
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE | PyBUF_ANY_CONTIGUOUS)
        try:
            return self.read_to(<char*>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef Py_ssize_t read_to(self, char* place, Py_ssize_t size) except -1:
        cdef Py_ssize_t done = min(size, PyBytes_GET_SIZE(self.ahead) - self.at), count
        memcpy(place, PyBytes_AS_STRING(self.ahead) + self.at, done)
        self.at += done
        fill = getattr(self.file, "readinto", None)
        while done < size:
            view = PyMemoryView_FromMemory(place + done, size - done, PyBUF_WRITE)
            if fill is not None:
                count = fill(view) or 0
            else:
                data = self.read_file(size - done)
                count = len(data)
                view[:count] = data
            view.release()
            if count == 0:
                break
            done += count
        self.given += done
        return done

    def exactly(self, Py_ssize_t size, str what):
        """size bytes."""
        cdef bytes data = self.take(size)
        while PyBytes_GET_SIZE(data) < size:
            more = self.take(size - PyBytes_GET_SIZE(data))
            if not more:
                raise self.too_short(what, size, PyBytes_GET_SIZE(data))
            data += more
        return data

    def expect(self, size, str what):
        """Raises DamagedFile where the file has fewer bytes left, as far as that is known."""
        if size < 0 or self.owned and size > self.left():
            raise self.too_short(what, size, self.left() if self.owned else 0)

    def fill(self, array, Py_ssize_t size, str what):
        """Reads all bytes of an array, of which there are so many."""
        cdef Py_ssize_t got = self.readinto(array)
        if got != size:
            raise self.too_short(what, size, got)

    cdef too_short(self, what, size, got):
        return DamagedFile(f"EOF: reading {what}, expected {size} bytes got {got}; {self.name} is truncated or damaged")

    def tell(self):
        """The place in the file of what is given next."""
        return self.given if self.owned else self.file.tell()

    def skip(self, Py_ssize_t size):
        """What comes next is so many bytes later."""
        cdef Py_ssize_t there = PyBytes_GET_SIZE(self.ahead) - self.at
        if self.owned and size <= there:
            self.at += size
        else:
            self.file.seek(size - there, 1)
            self.ahead = b""
            self.at = 0
        self.given += size
