from libc.stdint cimport uint64_t


cdef class Sender:
    cdef object socket  # kept alive, for its descriptor
    cdef int fd
    cdef bint blocking
    cdef object queue  # deque of memoryviews, not sent yet
    cdef object descriptors  # deque of (position in the queue's bytes, numbers): go out with that byte
    cdef unsigned long long queued, sent  # bytes ever

    cpdef bint send(self, parts, descriptors=*) except -1
    cpdef bint flush(self) except -1
    cdef bint send_small(self, list parts, Py_ssize_t total) except -1
    cdef int enqueue(self, list parts, object descriptors) except -1


cdef class Receiver:
    cdef object socket
    cdef int fd
    cdef unsigned char *buffer
    cdef Py_ssize_t begin, end  # of what was received and not cut
    cdef uint64_t *lengths  # of the parts of the message under way
    cdef Py_ssize_t count, known, at  # parts; bytes of `lengths` that are there; the next part
    cdef list parts  # None between messages
    cdef bytearray large  # a part received in place
    cdef Py_ssize_t filled  # how much of it is there
    cdef readonly list descriptors

    cpdef list receive(self)
    cdef int read(self) except -1
    cdef Py_ssize_t receive_bytes(self, void *into, Py_ssize_t room) except -2
    cdef int cut(self, list messages) except -1
