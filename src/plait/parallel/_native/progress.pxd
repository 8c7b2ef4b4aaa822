from libc.stdint cimport int64_t, uint64_t

cdef enum:
    SLOTS = 64


cdef class Progress:
    cdef Py_buffer page
    cdef bint open
    cdef int64_t *index
    cdef uint64_t *slots

    cpdef close(self)
    cdef int offer(self, unsigned int slot, unsigned int begin, unsigned int end) except -1
    cdef long claim(self, unsigned int slot) noexcept nogil
    cdef unsigned int begun(self, unsigned int slot) noexcept nogil
    cdef unsigned int end(self, unsigned int slot) noexcept nogil
    cdef bint cancelled(self, unsigned int slot) noexcept nogil
    cdef int cancel(self, unsigned int slot) noexcept nogil
    cdef unsigned int take_back(self, unsigned int slot, unsigned int keep, unsigned int *end) noexcept nogil
