# cython: language_level=3, boundscheck=False, wraparound=False
"""The innermost loop of a worker process: see `plait.parallel.pool.worker`.

Native so that a task costs its call and little more, and so that nothing runs between the return of the user's function
and the note that it has returned: a signal's handler sees exactly whether a task runs.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from plait.parallel._native.progress cimport Progress

from plait.parallel.naming import function_name
from plait.trace import ring

cdef extern from *:
    object PyObject_CallOneArg(object function, object argument)
    object PyObject_Call(object function, object args, PyObject *kwargs)

cdef enum:
    CLAIM_CANCELLED = -2
    FLUSH_NS = 100000000  # results do not wait longer than this for the end of their batch


cdef int64_t now_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef class TaskLoop:
    """Calls the tasks that the shared page lets this worker begin."""

    cdef Progress progress
    cdef int slot
    cdef bint in_task

    def __init__(self, Progress progress not None):
        self.progress = progress

    def interruptible(self):
        """Whether a task runs that the parent has cancelled; True once a task."""
        if self.in_task and self.progress.cancelled(self.slot):
            self.in_task = False
            return True
        return False

    def run(self, int slot, long long first, function, list calls, bint unary, keep, flush, long long call):
        """Run what is left of the slot's tasks; True, or False where the slot was cancelled.

        first: index of the batch's first task. calls: (function, args, kwargs) each, or with `function` its args, or
            with `unary` its one argument; each is let go as it is called.
        keep: gets each result. flush(): is called where results have waited long and more are to come.
        call: number of the call, for the trace.
        """
        cdef Progress progress = self.progress
        cdef bint tracing = ring.enabled
        cdef int64_t flushed = now_ns(), begin_ns = 0
        cdef long at
        cdef object result, args, kwargs, called = function
        self.slot = slot
        try:
            while True:
                at = progress.claim(slot)
                if at < 0:
                    return at != CLAIM_CANCELLED
                progress.index[0] = first + at
                args = calls[at]
                calls[at] = kwargs = None
                if function is None:
                    called, args, kwargs = args
                if tracing:
                    begin_ns = ring.now_ns()
                self.in_task = True
                try:
                    if unary:
                        result = PyObject_CallOneArg(called, args)
                    elif type(args) is tuple:
                        result = PyObject_Call(called, args, <PyObject *>kwargs if kwargs else NULL)
                    else:
                        result = called(*args, **kwargs)
                finally:
                    self.in_task = False
                    if tracing:
                        ring.emit("parallel", "task", first + at, call, begin_ns, ring.now_ns(), 0, function_name(called))
                args = kwargs = None
                keep(result)
                result = None
                if now_ns() - flushed > FLUSH_NS and progress.begun(slot) < progress.end(slot):
                    flush()
                    flushed = now_ns()
        finally:
            progress.index[0] = -1


cdef extern from "malloc.h":
    int malloc_trim(size_t pad) nogil


def trim_memory():
    """Give memory that is free back to the kernel."""
    with nogil:
        malloc_trim(0)
