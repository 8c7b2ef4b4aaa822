# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Framing: what `transport.framing` documents."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memmove, memset

import os
from collections import deque

cdef extern from "sys/socket.h" nogil:
    """
    #include <sys/socket.h>
    #include <sys/uio.h>
    #include <errno.h>
    /* Room for the descriptors of one message. */
    #define PLAIT_CONTROL_BYTES CMSG_SPACE(64 * sizeof(int))
    """
    enum:
        PLAIT_CONTROL_BYTES
        MSG_NOSIGNAL
        MSG_CMSG_CLOEXEC
        MSG_CTRUNC
        SOL_SOCKET
        SCM_RIGHTS
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    ssize_t send(int fd, const void *data, size_t size, int flags)
    ssize_t sendmsg(int fd, const msghdr *message, int flags)
    ssize_t recvmsg(int fd, msghdr *message, int flags)
    cmsghdr *CMSG_FIRSTHDR(msghdr *message)
    cmsghdr *CMSG_NXTHDR(msghdr *message, cmsghdr *control)
    unsigned char *CMSG_DATA(cmsghdr *control)
    size_t CMSG_LEN(size_t size)
    size_t CMSG_SPACE(size_t size)

cdef enum:
    CHUNK = 65536  # read at once
    SMALL = 16384  # a message up to here is copied into one piece, which is cheaper than a list of them
    IOVECS = 512  # the kernel takes 1024
    DESCRIPTORS = 64  # of one message

CHUNK_BYTES = CHUNK


cdef class Sender:
    """Puts messages onto a socket. One thread at a time."""

    def __init__(self, socket):
        self.socket = socket
        self.fd = socket.fileno()
        self.blocking = os.get_blocking(self.fd)
        self.queue = deque()
        self.descriptors = deque()

    @property
    def pending(self):
        """Whether something waits until the socket takes more."""
        return len(self.queue) != 0

    cpdef bint send(self, parts, descriptors=()) except -1:
        """Queue a message and flush().

        descriptors: open files that travel with it, at most 64; they must stay open until all is sent.
        """
        cdef list pieces = parts if type(parts) is list else list(parts)
        cdef Py_ssize_t total = 4 + 8 * len(pieces)
        cdef object part
        for part in pieces:
            if not PyBytes_Check(part):
                part = memoryview(part)
                total += part.nbytes
            else:
                total += PyBytes_GET_SIZE(part)
            if total > SMALL:
                break
        if total <= SMALL and not self.queue and not descriptors:
            return self.send_small(pieces, total)
        self.enqueue(pieces, descriptors)
        return self.flush()

    cdef bint send_small(self, list parts, Py_ssize_t total) except -1:
        cdef unsigned char message[SMALL]
        cdef Py_ssize_t at = 4 + 8 * len(parts), size, i = 0, sent
        cdef Py_buffer view
        cdef int error = 0
        (<uint32_t *>message)[0] = <uint32_t>len(parts)
        for part in parts:
            if PyBytes_Check(part):
                size = PyBytes_GET_SIZE(part)
                memcpy(message + at, PyBytes_AS_STRING(part), size)
            else:
                PyObject_GetBuffer(part, &view, PyBUF_SIMPLE)
                size = view.len
                memcpy(message + at, view.buf, size)
                PyBuffer_Release(&view)
            memcpy(message + 4 + 8 * i, &size, 8)
            at += size
            i += 1
        while True:
            with nogil:
                sent = send(self.fd, message, total, MSG_NOSIGNAL)
                error = errno
            if sent == total:
                return True
            if sent >= 0 or error != EINTR:
                break
            PyErr_CheckSignals()  # nothing of the message is out yet
        if sent < 0:
            if error != EAGAIN:
                (&errno)[0] = error
                PyErr_SetFromErrno(OSError)
            sent = 0
        self.queue.append(memoryview(PyBytes_FromStringAndSize(<char *>message + sent, total - sent)))
        self.queued += total - sent
        return self.flush() if sent else False

    cdef int enqueue(self, list parts, object descriptors) except -1:
        cdef bytes head = PyBytes_FromStringAndSize(NULL, 4 + 8 * len(parts))
        cdef unsigned char *start = <unsigned char *>PyBytes_AS_STRING(head)
        cdef list views = [memoryview(part).cast("B") for part in parts]
        cdef uint64_t size
        cdef Py_ssize_t i = 0
        (<uint32_t *>start)[0] = <uint32_t>len(parts)
        if descriptors:
            if len(descriptors) > DESCRIPTORS:
                raise ValueError(f"{len(descriptors)} descriptors in one message; send at most {DESCRIPTORS}")
            self.descriptors.append((self.queued, list(descriptors)))
        self.queue.append(memoryview(head))
        self.queued += len(head)
        for view in views:
            size = len(view)
            memcpy(start + 4 + 8 * i, &size, 8)
            i += 1
            if size:
                self.queue.append(view)
                self.queued += size
        return 0

    cpdef bint flush(self) except -1:
        """Send what the socket takes; whether all is sent. Raises OSError (BrokenPipeError) when nobody reads."""
        cdef Py_ssize_t sent
        while self.queue:
            sent = _send_some(self)
            if sent < 0:
                return False
            self.sent += sent
            while self.queue:
                first = self.queue[0]
                if sent < len(first):
                    if sent:
                        self.queue[0] = first[sent:]
                    break
                sent -= len(first)
                self.queue.popleft()
            if self.blocking and self.queue:  # a blocking send that ends early was interrupted
                PyErr_CheckSignals()
        return True


cdef Py_ssize_t _send_some(Sender self) except -2:
    """One sendmsg() of what is queued; the bytes sent, -1 where the socket is full."""
    cdef iovec pieces[IOVECS]
    cdef Py_buffer views[IOVECS]
    cdef char control[PLAIT_CONTROL_BYTES]
    cdef msghdr message
    cdef Py_ssize_t count = 0, sent = -1, most = -1, room
    cdef int error = 0
    cdef bint passing = False
    memset(&message, 0, sizeof(message))
    if self.descriptors:
        at, numbers = self.descriptors[0]
        if at == self.sent:
            passing = True
            _pack_descriptors(&message, control, numbers)
            if len(self.descriptors) > 1:  # not beyond the byte that the next ones travel with
                most = self.descriptors[1][0] - self.sent
        else:
            most = at - self.sent
    try:
        for view in self.queue:
            if count == IOVECS or most == 0:
                break
            PyObject_GetBuffer(view, &views[count], PyBUF_SIMPLE)
            room = views[count].len if most < 0 else min(most, views[count].len)
            pieces[count].iov_base = views[count].buf
            pieces[count].iov_len = room
            if most >= 0:
                most -= room
            count += 1
        message.msg_iov = pieces
        message.msg_iovlen = count
        while True:
            with nogil:
                sent = sendmsg(self.fd, &message, MSG_NOSIGNAL)
                error = errno
            if sent >= 0 or error != EINTR:
                break
            PyErr_CheckSignals()
    finally:
        for i in range(count):
            PyBuffer_Release(&views[i])
    if sent < 0:
        if error == EAGAIN:
            return -1
        (&errno)[0] = error
        PyErr_SetFromErrno(OSError)
    if passing:
        self.descriptors.popleft()
    return sent


cdef int _pack_descriptors(msghdr *message, char *control, list numbers) except -1:
    cdef cmsghdr *head
    cdef size_t size = len(numbers) * sizeof(int)
    cdef int i
    memset(control, 0, PLAIT_CONTROL_BYTES)
    message.msg_control = control
    message.msg_controllen = CMSG_SPACE(size)
    head = CMSG_FIRSTHDR(message)
    head.cmsg_level = SOL_SOCKET
    head.cmsg_type = SCM_RIGHTS
    head.cmsg_len = CMSG_LEN(size)
    for i in range(len(numbers)):
        (<int *>CMSG_DATA(head))[i] = <int>numbers[i]
    return 0


cdef class Receiver:
    """Cuts what a socket receives back into messages. One thread at a time.

    descriptors: open files that came along, in the order they were sent, with their message or before it; whoever
    takes them out owns them.
    """

    def __cinit__(self, socket):
        self.buffer = <unsigned char *>PyMem_Malloc(CHUNK)
        if not self.buffer:
            raise MemoryError

    def __init__(self, socket):
        self.socket = socket
        self.fd = socket.fileno()
        self.descriptors = []

    def __dealloc__(self):
        PyMem_Free(self.buffer)
        PyMem_Free(self.lengths)

    cpdef list receive(self):
        """Read once; the messages that are complete now, often one, perhaps none.

        Raises EOFError when the other end is gone, BlockingIOError where a non-blocking socket has nothing.
        """
        cdef list messages = []
        if self.read() == 0:
            PyErr_SetFromErrno(OSError)
        self.cut(messages)
        return messages

    cdef int read(self) except -1:
        """Receive once; 0 where there is nothing to receive."""
        cdef Py_ssize_t count
        if self.large is not None:
            count = self.receive_bytes(PyByteArray_AS_STRING(self.large) + self.filled, len(self.large) - self.filled)
            if count > 0:
                self.filled += count
        else:
            if self.begin:
                memmove(self.buffer, self.buffer + self.begin, self.end - self.begin)
                self.end -= self.begin
                self.begin = 0
            count = self.receive_bytes(self.buffer + self.end, CHUNK - self.end)
            if count > 0:
                self.end += count
        if count == 0:
            raise EOFError("the other end has closed the channel")
        return count > 0

    cdef Py_ssize_t receive_bytes(self, void *into, Py_ssize_t room) except -2:
        """-1, with errno, where there is nothing."""
        cdef char control[PLAIT_CONTROL_BYTES]
        cdef msghdr message
        cdef iovec piece
        cdef Py_ssize_t count
        cdef int error
        memset(&message, 0, sizeof(message))
        piece.iov_base = into
        piece.iov_len = room
        message.msg_iov = &piece
        message.msg_iovlen = 1
        while True:
            message.msg_control = control
            message.msg_controllen = PLAIT_CONTROL_BYTES
            with nogil:
                count = recvmsg(self.fd, &message, MSG_CMSG_CLOEXEC)
                error = errno
            if count >= 0 or error != EINTR:
                break
            PyErr_CheckSignals()
        if count < 0:
            (&errno)[0] = error
            if error != EAGAIN:
                PyErr_SetFromErrno(OSError)
            return -1
        if message.msg_controllen:
            _take_descriptors(&message, self.descriptors)
        return count

    cdef int cut(self, list messages) except -1:
        """Append the messages that are complete."""
        cdef Py_ssize_t there, size
        cdef object part
        if self.large is not None:
            if self.filled < len(self.large):
                return 0
            self.parts.append(self.large)
            self.large = None
            self.at += 1
        while True:
            there = self.end - self.begin
            if self.parts is None:
                if there < 4:
                    return 0
                self.count = (<uint32_t *>(self.buffer + self.begin))[0]
                PyMem_Free(self.lengths)
                self.lengths = <uint64_t *>PyMem_Malloc(8 * self.count)
                if not self.lengths:
                    raise MemoryError
                self.begin += 4
                self.known = self.at = 0
                self.parts = []
                continue
            if self.known < 8 * self.count:
                size = min(there, 8 * self.count - self.known)
                memcpy(<char *>self.lengths + self.known, self.buffer + self.begin, size)
                self.known += size
                self.begin += size
                if self.known < 8 * self.count:
                    return 0
                continue
            if self.at == self.count:
                messages.append(self.parts)
                self.parts = None
                continue
            size = self.lengths[self.at]
            if there >= size:
                part = PyByteArray_FromStringAndSize(<char *>self.buffer + self.begin, size)
                self.begin += size
                self.parts.append(part)
                self.at += 1
            elif size > CHUNK // 2:
                self.large = PyByteArray_FromStringAndSize(NULL, size)
                memcpy(PyByteArray_AS_STRING(self.large), self.buffer + self.begin, there)
                self.filled = there
                self.begin = self.end = 0
                return 0
            else:
                return 0


cdef int _take_descriptors(msghdr *message, list descriptors) except -1:
    cdef cmsghdr *head = CMSG_FIRSTHDR(message)
    cdef int *numbers
    cdef size_t i
    while head != NULL:
        if head.cmsg_level == SOL_SOCKET and head.cmsg_type == SCM_RIGHTS:
            numbers = <int *>CMSG_DATA(head)
            for i in range((head.cmsg_len - CMSG_LEN(0)) // sizeof(int)):
                descriptors.append(numbers[i])
        head = CMSG_NXTHDR(message, head)
    return 0
