# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What a worker has begun, in a page that it shares with its parent: see `plait.parallel.pool.progress`."""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    #define plait_load(word) __atomic_load_n(word, __ATOMIC_SEQ_CST)
    #define plait_store(word, value) __atomic_store_n(word, value, __ATOMIC_SEQ_CST)
    #define plait_or(word, bits) __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST)
    static int plait_exchange(uint64_t *word, uint64_t old, uint64_t value) {
        return __atomic_compare_exchange_n(word, &old, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    """
    uint64_t plait_load(uint64_t *word) noexcept nogil
    void plait_store(uint64_t *word, uint64_t value) noexcept nogil
    void plait_or(uint64_t *word, uint64_t bits) noexcept nogil
    bint plait_exchange(uint64_t *word, uint64_t old, uint64_t value) noexcept nogil

# A slot's word: u32 the next task to begin | u31 the end, the first task that is not to begin | u1 cancelled.
cdef enum:
    FIRST_SLOT = 64  # bytes before the slots
cdef uint64_t BEGUN = 0xFFFFFFFF
cdef uint64_t END = 0x7FFFFFFF
cdef uint64_t CANCELLED = <uint64_t>1 << 63

cdef int64_t nothing = -1
cdef uint64_t no_slots[SLOTS]  # all zero: nothing to begin


cdef class Progress:
    """The page, from either side. Raises ValueError for a page that is too small."""

    def __init__(self, page):
        PyObject_GetBuffer(page, &self.page, PyBUF_WRITABLE)
        self.open = True
        if self.page.len < FIRST_SLOT + 8 * SLOTS:
            raise ValueError(f"a page of {self.page.len} bytes has no room for {SLOTS} slots")
        self.index = <int64_t *>self.page.buf
        self.slots = <uint64_t *>(<char *>self.page.buf + FIRST_SLOT)

    def __dealloc__(self):
        self.close()

    cpdef close(self):
        """Let go of the page. From now on it reads as one where nothing runs."""
        if self.open:
            self.open = False
            self.index = &nothing
            self.slots = no_slots
            PyBuffer_Release(&self.page)

    def note(self, long long index):
        """The worker: this task runs; -1 for none."""
        self.index[0] = index

    def read(self):
        """Index of the task that runs, or ran when the worker died; -1 between tasks."""
        return self.index[0]

    # -- the parent ----------------------------------------------------------------------------------------------

    cdef int offer(self, unsigned int slot, unsigned int begin, unsigned int end) except -1:
        """Tasks begin .. end-1 of a batch are about to be sent."""
        plait_store(&self.slots[slot], (<uint64_t>end << 32) | begin)
        return 0

    cdef unsigned int take_back(self, unsigned int slot, unsigned int keep, unsigned int *end) noexcept nogil:
        """Let the worker begin `keep` more tasks, no more; from which one on they are the parent's again, up to *end."""
        cdef uint64_t word
        cdef uint64_t begun, middle
        while True:
            word = plait_load(&self.slots[slot])
            begun = word & BEGUN
            end[0] = <unsigned int>((word >> 32) & END)
            middle = min(begun + keep, <uint64_t>end[0])
            if plait_exchange(&self.slots[slot], word, (word & CANCELLED) | (middle << 32) | begun):
                return <unsigned int>middle

    cdef int cancel(self, unsigned int slot) noexcept nogil:
        """Nothing more of the slot begins, and what runs may be interrupted."""
        plait_or(&self.slots[slot], CANCELLED)
        return 0

    # -- either side ---------------------------------------------------------------------------------------------

    cdef unsigned int begun(self, unsigned int slot) noexcept nogil:
        return <unsigned int>(plait_load(&self.slots[slot]) & BEGUN)

    cdef unsigned int end(self, unsigned int slot) noexcept nogil:
        return <unsigned int>((plait_load(&self.slots[slot]) >> 32) & END)

    cdef bint cancelled(self, unsigned int slot) noexcept nogil:
        return (plait_load(&self.slots[slot]) & CANCELLED) != 0

    # -- the worker ----------------------------------------------------------------------------------------------

    cdef long claim(self, unsigned int slot) noexcept nogil:
        """The task to begin now; -1 where there is none, -2 where the slot was cancelled."""
        cdef uint64_t word
        while True:
            word = plait_load(&self.slots[slot])
            if word & CANCELLED:
                return -2
            if (word & BEGUN) >= ((word >> 32) & END):
                return -1
            if plait_exchange(&self.slots[slot], word, word + 1):
                return <long>(word & BEGUN)
