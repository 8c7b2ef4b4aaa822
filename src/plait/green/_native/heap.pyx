# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""A heap of items by deadline, equal ones in the order of their coming: what timers are kept in.

4-ary, keys in line: two levels fewer than a binary one, and a comparison touches no object. An item that was cancelled
stays until it comes up or until `sweep()`, which the owner calls when there are too many. Subclasses say what is
cancelled, and hear of what leaves.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF


cdef inline bint earlier(const Due *a, const Due *b) noexcept nogil:
    return a.deadline < b.deadline or (a.deadline == b.deadline and a.number < b.number)


cdef void sift_up(Due *items, Py_ssize_t i) noexcept nogil:
    cdef Due moved = items[i]
    cdef Py_ssize_t parent
    while i > 0:
        parent = (i - 1) >> 2
        if not earlier(&moved, &items[parent]):
            break
        items[i] = items[parent]
        i = parent
    items[i] = moved


cdef void sift_down(Due *items, Py_ssize_t size, Py_ssize_t i) noexcept nogil:
    cdef Due moved = items[i]
    cdef Py_ssize_t child, best, last
    while True:
        child = 4 * i + 1
        if child >= size:
            break
        last = child + 4 if child + 4 < size else size
        best = child
        child += 1
        while child < last:
            if earlier(&items[child], &items[best]):
                best = child
            child += 1
        if not earlier(&items[best], &moved):
            break
        items[i] = items[best]
        i = best
    items[i] = moved


cdef class DeadlineHeap:
    """Items by deadline."""

    def __dealloc__(self):
        while self.count:
            self.count -= 1
            Py_DECREF(<object>self.items[self.count].item)
        PyMem_Free(self.items)

    def __len__(self):
        return self.count

    def __iter__(self):
        return iter([<object>self.items[i].item for i in range(self.count)])

    def clear(self):
        """Take everything out."""
        while self.count:
            self.pop()

    cdef int push(self, double deadline, object item) except -1:
        cdef Py_ssize_t room
        cdef Due *items
        if self.count == self.room:
            room = max(64, 2 * self.room)
            items = <Due *>PyMem_Realloc(self.items, room * sizeof(Due))
            if items == NULL:
                raise MemoryError
            self.items = items
            self.room = room
        self.number += 1
        Py_INCREF(item)
        self.items[self.count] = Due(deadline, self.number, <PyObject *>item)
        self.count += 1
        sift_up(self.items, self.count - 1)
        return 0

    cdef object pop(self):
        """The earliest item of a heap that is not empty, taken out."""
        cdef object item = <object>self.items[0].item
        self.count -= 1
        if self.count:
            self.items[0] = self.items[self.count]
            sift_down(self.items, self.count, 0)
        Py_DECREF(item)
        self.left(item)
        return item

    cdef Py_ssize_t drop_cancelled(self) except -1:
        """Take cancelled items out as long as the earliest one is one; how many there were."""
        cdef Py_ssize_t dropped = 0
        while self.count and self.is_cancelled(<object>self.items[0].item):
            self.pop()
            dropped += 1
        return dropped

    cdef Py_ssize_t sweep(self) except -1:
        """Take all cancelled items out; how many there were. What their end runs finds the heap in order."""
        cdef Py_ssize_t i, kept = 0
        cdef object item
        cdef list dropped = []
        for i in range(self.count):
            item = <object>self.items[i].item
            if self.is_cancelled(item):
                self.left(item)
                dropped.append(item)
                Py_DECREF(item)
            else:
                self.items[kept] = self.items[i]
                kept += 1
        self.count = kept
        for i in range((kept - 2) >> 2, -1, -1):
            sift_down(self.items, kept, i)
        return len(dropped)

    # -- what subclasses say ---------------------------------------------------------------------------------

    cdef bint is_cancelled(self, object item) except -1:
        return False

    cdef int left(self, object item) except -1:
        """The item is in the heap no more."""
        return 0
