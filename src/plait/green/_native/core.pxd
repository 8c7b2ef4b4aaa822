# What the native modules of this layer share: see core.pyx for the protocols.
from cpython.object cimport PyObject

from plait.green._native.heap cimport DeadlineHeap


cdef extern from "greenlet/greenlet.h":
    ctypedef class plait.greenlet._core.greenlet [object PyGreenlet, check_size ignore]:
        pass


cdef extern from "layer.h":
    ctypedef struct GreenletLayer_API:
        PyObject *(*current)() except NULL
        object (*resume)(object greenlet, object value)
        object (*start)(object greenlet, object run)
        int (*keep)(PyObject *keeper) except -1
        int (*set_parent)(object greenlet, object parent) except -1
        int (*places)(PyObject **codes, int *instructions, int max)
        int (*started)(object greenlet)
        int (*active)(object greenlet)

    const GreenletLayer_API *GreenletLayer_Import() except NULL


cdef extern from "ring.h":
    ctypedef struct PlaitTrace_API:
        const int *enabled
        void (*emit)(PyObject *layer, PyObject *kind, long long id, long long parent, long long begin_ns,
                     long long end_ns, long long bytes, PyObject *name)
        long long (*now_ns)()

    const PlaitTrace_API *PlaitTrace_Import() except NULL
    bint PlaitTrace_ON(const PlaitTrace_API *api)


cdef const GreenletLayer_API *layer
cdef const PlaitTrace_API *trace
cdef object empty_tuple

cdef int IO_BUDGET  # calls that find their descriptor ready, in one turn of the hub
cdef double NEVER  # the deadline of who waits for ever

cdef double now() except -1
cdef double deadline_of(object seconds) except? -1
cdef HubCore current_hub()
cdef HubCore get_hub()

cdef inline greenlet getcurrent():
    return <greenlet>layer.current()


cdef struct Link:
    Link *previous
    Link *next
    PyObject *owner


cdef class Entry:
    cdef bint direct
    cdef bint is_void(self)
    cdef greenlet target(self)
    cdef int go(self, HubCore hub) except -1
    cdef int expire(self, HubCore hub) except -1


cdef class Callback(Entry):
    cdef readonly object function
    cdef readonly tuple args


cdef class Turn(Entry):
    cdef public greenlet greenlet


cdef class RunQueue:
    cdef PyObject **items
    cdef Py_ssize_t head, count, room

    cdef int push(self, Entry entry) except -1
    cdef Entry pop(self)
    cdef int bring(self, Py_ssize_t index) except -1


cdef class Timer:
    cdef HubCore hub
    cdef readonly double deadline
    cdef readonly object function
    cdef readonly tuple args
    cdef readonly bint keeps_alive
    cdef Entry entry

    cpdef cancel(self)


cdef class Timers(DeadlineHeap):
    pass


cdef class Readiness:
    cdef public Py_ssize_t waiting

    cdef int poll(self, double timeout) except -1
    cdef int notify(self) except -1


cdef class Line:
    cdef Link ends
    cdef Py_ssize_t count

    cdef int push(self, Waiter waiter) except -1
    cdef int push_first(self, Waiter waiter) except -1
    cdef Waiter pop(self)
    cdef bint remove(self, Waiter waiter) except -1
    cdef int _join(self, Waiter waiter, Link *successor) except -1


cdef class Waiter(Entry):
    cdef object __weakref__
    cdef public bint outside
    cdef public object subject
    cdef object value
    cdef int outcome
    cdef object parker
    cdef greenlet runner
    cdef bint expired
    cdef readonly double since
    cdef Link parked
    cdef Link place
    cdef Line line

    cdef bint settle(self, int outcome, object value) except -1
    cpdef bint wake(self, value=*) except -1
    cpdef bint throw(self, BaseException exception) except -1
    cdef bint park(self, HubCore hub, double deadline, bint keeps_alive) except -1
    cdef bint wait_until(self, double deadline) except -1
    cdef object take(self)
    cdef int _block(self, double deadline) except -1


cdef class HubCore(greenlet):
    cdef readonly RunQueue ready
    cdef readonly object inbox
    cdef public unsigned long thread_ident
    cdef public int generation
    cdef public bint polling
    cdef public int budget
    cdef public Py_ssize_t outside_waits
    cdef public object poller
    cdef public Readiness descriptors
    cdef public int io_left
    cdef public object follower  # told before and after each poll, where somebody wants to know
    cdef public object choose
    cdef public object guest  # of the running greenlet: what it keeps per thread, put aside while it is switched away
    cdef public unsigned long long switches
    cdef readonly double turned
    cdef readonly list joiners
    cdef readonly RunQueue idle
    cdef Link parked_ends
    cdef Timers timers
    cdef Py_ssize_t timers_cancelled, timers_awaited

    cdef Entry first(self)
    cpdef object switch_away(self)
    cpdef object yield_turn(self)
    cpdef object resume(self, Entry entry)
    cdef int enqueue(self, Entry entry) except -1
    cdef Timer start_timer(self, double deadline, object function, tuple args, Entry entry, bint keeps_alive)
    cdef int timer_cancelled(self, Timer timer) except -1
    cdef int turn(self) except -1
    cdef int run_ready(self) except -1
    cdef int take_inbox(self) except -1
    cdef int fire_timers(self) except -1
    cdef int poll(self, double timeout) except -1
    cdef int wait(self) except -1
    cdef double _until(self, double deadline) except -1
    cdef int _call_timer(self, Timer timer) except -1
