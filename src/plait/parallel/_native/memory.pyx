# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Mapped memory files: see `plait.parallel.transport.segments`."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.exc cimport PyErr_SetFromErrno
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

import os

cdef extern from "sys/mman.h" nogil:
    enum:
        PROT_READ
        PROT_WRITE
        MAP_SHARED
        MAP_PRIVATE
        MAP_NORESERVE
        MAP_POPULATE
    void *MAP_FAILED
    void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)
    int munmap(void *address, size_t length)

cdef extern from "unistd.h" nogil:
    Py_ssize_t pread(int fd, void *into, size_t size, long offset)

cdef extern from * nogil:
    """
    #include <malloc.h>
    #include <pthread.h>
    #include <signal.h>
    #include <string.h>

    static void keep_free(long trim, long map) {
    #ifdef __GLIBC__
        mallopt(M_TRIM_THRESHOLD, (int)trim);
        mallopt(M_MMAP_THRESHOLD, (int)map);
    #endif
    }

    struct copying { char *to; const char *from; size_t size; };

    static void *copy_part(void *given) {
        struct copying *part = given;
        memcpy(part->to, part->from, part->size);
        return NULL;
    }

    /* Two cores copy almost twice as fast as one. The second thread takes no signal; where there is none, one does. */
    static void copy_by_two(char *to, const char *from, size_t size) {
        size_t half = size / 2 & ~(size_t)4095;
        struct copying rest = {to + half, from + half, size - half};
        pthread_t helper;
        sigset_t all, before;
        int failed;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        failed = pthread_create(&helper, NULL, copy_part, &rest);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        memcpy(to, from, half);
        if (failed)
            copy_part(&rest);
        else
            pthread_join(helper, NULL);
    }
    """
    void copy_by_two(char *to, const char *source, size_t size)
    void keep_free(long trim, long map)
    void __builtin_prefetch(const void *address)

DEF PAGE = 4096
DEF LINE = 64
DEF WHOLE = 1 << 20  # up to here every byte is read
DEF AHEAD = 16  # pages that are fetched meanwhile
DEF BY_TWO = 1 << 23  # from here on a second thread helps to copy

cdef unsigned long long forks = 0  # that this process has made


cdef void _note_fork():
    global forks
    forks += 1


def _forked():
    _note_fork()


os.register_at_fork(after_in_parent=_forked)


@cython.no_gc  # holds ints and a list of ints
cdef class Mapping:
    """A memory file, mapped; unmapped with its last reference. The standard library's mmap keeps a descriptor each.

    writable: may be written. shared: what is written reaches the file, else this process alone. populate: all pages
    now, not at first use.
    words, lease: where to say, and what, that it is gone: `lease`, or -lease where the process has forked meanwhile, so
    that a child may still read it.
    """

    cdef char *start
    cdef readonly Py_ssize_t nbytes
    cdef readonly bint writable
    cdef unsigned long long forks
    cdef list words
    cdef object lease
    cdef object __weakref__

    def __cinit__(
        self, int fd, Py_ssize_t nbytes, bint writable=False, bint shared=True, bint populate=False, list words=None,
        lease=0,
    ):
        cdef int protection = PROT_READ | (PROT_WRITE if writable else 0)
        cdef int flags = (MAP_SHARED if shared else MAP_PRIVATE | MAP_NORESERVE) | (MAP_POPULATE if populate else 0)
        cdef void *address
        with nogil:
            address = mmap(NULL, nbytes, protection, flags, fd, 0)
        if address == MAP_FAILED:
            PyErr_SetFromErrno(OSError)
        self.start = <char *>address
        self.nbytes = nbytes
        self.writable = writable
        self.forks = forks
        self.words = words
        self.lease = lease

    def __dealloc__(self):
        if self.start != NULL:
            munmap(self.start, self.nbytes)
            if self.words is not None:
                self.words.append(self.lease if self.forks == forks else -self.lease)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.start, self.nbytes, not self.writable, flags)

    def __releasebuffer__(self, Py_buffer *view):
        pass

    @property
    def address(self):
        """Where it begins, as a number."""
        return <size_t>self.start

    def __len__(self):
        return self.nbytes

    def write(self, Py_ssize_t offset, data):
        """Copy bytes to `offset`; without the GIL."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if not self.writable or offset < 0 or view.len > self.nbytes - offset:
                raise ValueError(f"{view.len} bytes at {offset} do not fit into a mapping of {self.nbytes}")
            with nogil:
                if view.len >= BY_TWO:
                    copy_by_two(self.start + offset, <const char *>view.buf, view.len)
                else:
                    memcpy(self.start + offset, view.buf, view.len)
        finally:
            PyBuffer_Release(&view)


def read(int fd, Py_ssize_t offset, Py_ssize_t nbytes):
    """So many bytes of a file, as a bytearray; without the GIL. Raises OSError, EOFError where the file ends before."""
    cdef bytearray data = PyByteArray_FromStringAndSize(NULL, nbytes)
    cdef char *into = PyByteArray_AS_STRING(data)
    cdef Py_ssize_t done = 0, count = 1
    with nogil:
        while done < nbytes and count > 0:
            count = pread(fd, into + done, nbytes - done, offset + done)
            done += count
    if count < 0:
        PyErr_SetFromErrno(OSError)
    if done < nbytes:
        raise EOFError(f"a file ends after {offset + done} of {offset + nbytes} bytes")
    return data


def keep_free_memory(Py_ssize_t trim_bytes, Py_ssize_t map_bytes):
    """Have the C library keep up to trim_bytes that were freed, and map only what is larger than map_bytes.

    Memory that it gives back to the kernel at once costs page faults at the next use: 600 us a MB.
    """
    keep_free(trim_bytes, map_bytes)


def fingerprint(data):
    """A number by which a change of the bytes is noticed.

    Of up to 1 MiB every byte counts; of more, the first and last page, and of each other page 64 bytes, at a place that
    differs from page to page. Cost: some 3 ms a GB.
    """
    cdef Py_buffer view
    cdef uint64_t result
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        with nogil:
            result = _fingerprint(<const char *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)
    return result


cdef uint64_t _fingerprint(const char *data, Py_ssize_t size) noexcept nogil:
    cdef uint64_t state = <uint64_t>size
    cdef Py_ssize_t page, pages
    if size <= WHOLE:
        return _mix(state, data, size)
    pages = size // PAGE
    state = _mix(state, data, PAGE)
    for page in range(1, pages):
        __builtin_prefetch(data + _line_of(min(page + AHEAD, pages - 1)))
        state = _mix(state, data + _line_of(page), LINE)
    return _mix(state, data + size - PAGE, PAGE)


cdef Py_ssize_t _line_of(Py_ssize_t page) noexcept nogil:
    """Where the line lies that counts of this page."""
    return page * PAGE + LINE * <Py_ssize_t>((<uint64_t>page * <uint64_t>0x9E3779B97F4A7C15) >> 58)


cdef uint64_t _mix(uint64_t state, const char *data, Py_ssize_t size) noexcept nogil:
    """Four lanes of multiplications, so that one need not wait for the other."""
    cdef uint64_t word
    cdef uint64_t a = state, b = state + 1, c = state + 2, d = state + 3
    cdef Py_ssize_t at = 0
    while at + 32 <= size:
        memcpy(&word, data + at, 8)
        a = (a ^ word) * <uint64_t>0x9FB21C651E98DF25
        a ^= a >> 29
        memcpy(&word, data + at + 8, 8)
        b = (b ^ word) * <uint64_t>0xD6E8FEB86659FD93
        b ^= b >> 29
        memcpy(&word, data + at + 16, 8)
        c = (c ^ word) * <uint64_t>0xA0761D6478BD642F
        c ^= c >> 29
        memcpy(&word, data + at + 24, 8)
        d = (d ^ word) * <uint64_t>0xE7037ED1A0B428DB
        d ^= d >> 29
        at += 32
    while at < size:
        a = (a ^ <unsigned char>data[at]) * <uint64_t>0x9FB21C651E98DF25
        a ^= a >> 29
        at += 1
    a = (a ^ (b * 3)) * <uint64_t>0x9FB21C651E98DF25
    a = (a ^ (a >> 32) ^ (c * 5)) * <uint64_t>0xD6E8FEB86659FD93
    return a ^ (a >> 32) ^ (d * 7)
