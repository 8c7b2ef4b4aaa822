# cython: language_level=3, boundscheck=False, wraparound=False
"""The bytes of a connection: the part of `http1.stream` that runs for each request. What it means is said there."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr

from plait.greenlet import getcurrent

cdef extern from *:
    """
    #include <string.h>
    """
    void* memmem(const void* text, size_t size, const void* part, size_t part_size) nogil
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    RECEIVE_BYTES = 65536
    SEND_BYTES = 65536


cdef class WatchCore:
    """tick: the time of all streams of the watch. stopping: whether each is to end with the request it has."""

    def __cinit__(self, *args, **kwargs):
        self.tick = 1  # 0 is never due


cdef class StreamCore:
    """What was received from `sock` and not taken: data[at:].

    patience: ticks that one wait for the client may take; None waits for ever. due: the tick at which the wait is over;
    0 while there is none. idle: whether it waits for the first byte of a request. runner: who waits.
    """

    def __init__(self, sock, WatchCore watch not None):
        self.sock = sock
        self.watch = watch
        self.data = b""

    @property
    def buffered(self):
        """How many bytes were received and not taken."""
        return PyBytes_GET_SIZE(self.data) - self.at

    cpdef long due_in(self, patience) except -1:
        """The tick that is `patience` ticks from now; 0, never, for None."""
        return 0 if patience is None else self.watch.tick + <long>patience

    cpdef bytes receive(self, long due):
        """What the kernel has, after a wait where it has nothing, until the tick `due`. b"" at the end."""
        self.runner = getcurrent()
        self.due = due
        try:
            return self.sock.recv(RECEIVE_BYTES)
        finally:
            self.due = 0

    cpdef bytes taken(self):
        """All that is buffered, no longer buffered."""
        cdef bytes data = self.data if self.at == 0 else self.data[self.at :]
        self.data = b""
        self.at = 0
        return data

    cpdef give_back(self, bytes data, Py_ssize_t at=0):
        """data[at:], to be taken next. Nothing else is buffered."""
        if at < PyBytes_GET_SIZE(data):
            self.data = data
            self.at = at

    cpdef bytes quick_head(self, Py_ssize_t most):
        """A request's head, empty line included, where it is there or comes in one piece of at most so many bytes.

        Else b"", and what has come is buffered: nothing at the end.
        """
        cdef const char* start
        cdef const char* end
        cdef Py_ssize_t size
        cdef bytes head
        if PyBytes_GET_SIZE(self.data) == 0:
            self.idle = True
            try:
                self.data = self.receive(self.due_in(self.patience))
            finally:
                self.idle = False
        start = PyBytes_AS_STRING(self.data) + self.at
        size = PyBytes_GET_SIZE(self.data) - self.at
        if size == 0 or start[0] <= b"\r":  # an empty line before the request
            return b""
        end = <const char*>memmem(start, size, <const char*>b"\r\n\r\n", 4)
        if end == NULL or end + 4 - start > most:
            return b""
        if end + 4 - start == size:
            return self.taken()
        head = PyBytes_FromStringAndSize(start, end + 4 - start)
        self.at += end + 4 - start
        return head

    def read(self, size=-1):
        """size bytes, fewer only at the end; all up to the end where size is negative."""
        cdef Py_ssize_t at = self.at
        if size is None or size < 0:
            return self.read_all()
        if size < PyBytes_GET_SIZE(self.data) - at:
            self.at = at + <Py_ssize_t>size
            return self.data[at : self.at]
        return self.read_beyond(size)

    def readline(self, size=-1):
        """Up to and with a line feed; at most size bytes; without the line feed at the end."""
        cdef const char* start = PyBytes_AS_STRING(self.data) + self.at
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self.data) - self.at
        cdef Py_ssize_t most = -1 if size is None else min(<object>PY_SSIZE_T_MAX, size)
        cdef const char* end = <const char*>memchr(start, b"\n", left if most < 0 else min(most, left))
        if end == NULL:
            return self.readline_beyond(most)
        self.at += end + 1 - start
        left = end + 1 - start
        if self.at == PyBytes_GET_SIZE(self.data):
            self.at -= left
            return self.taken()
        return PyBytes_FromStringAndSize(start, left)

    cpdef send(self, sock, data):
        """Send all of data to the client, by `sock`; the patience is for each SEND_BYTES."""
        cdef Py_ssize_t size = len(data)
        cdef Py_ssize_t at
        self.runner = getcurrent()
        try:
            if size <= SEND_BYTES:
                self.due = self.due_in(self.patience)
                sock.sendall(data)
                return
            with memoryview(data) as view:
                for at in range(0, size, SEND_BYTES):
                    self.due = self.due_in(self.patience)
                    sock.sendall(view[at : at + SEND_BYTES])
        finally:
            self.due = 0
