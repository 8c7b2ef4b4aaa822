# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The hot paths of the event loop of asyncio: callbacks, timers, readiness, and the thread's state of a running loop.

`LoopCore` is mixed into asyncio's selector loop by `plait.green.aio.loop.EventLoop` and replaces what runs in each iteration.
What it schedules are asyncio's own Handle and TimerHandle, made and read through the offsets of their slots, which is
what their constructor and `_run` do, without Python frames. In debug mode their own methods are called.

`Selector` tells the hub's descriptors what the loop watches, while it runs: see `Watch`. `Carried` is the hub's guest of a
greenlet that runs a loop: see `plait.green.aio.carried`.
"""

import asyncio
import os
import sys
from asyncio import base_events, events, format_helpers, tasks
from collections.abc import Mapping
from selectors import SelectorKey

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF, Py_XINCREF
cimport cython

from plait.green._native.core cimport NEVER, HubCore, Waiter, get_hub, now
from plait.green._native.heap cimport DeadlineHeap
from plait.green._native.io cimport READ, WRITE, Descriptors

from plait.greenlet import GreenletExit

cdef extern from *:
    """
    #include <structmember.h>

    /* Where an object of a class with slots keeps the one that this descriptor names. */
    static Py_ssize_t plait_slot_offset(PyObject *descriptor)
    {
        if (!PyObject_TypeCheck(descriptor, &PyMemberDescr_Type)) {
            PyErr_Format(PyExc_TypeError, "%R is no slot", descriptor);
            return -1;
        }
        return ((PyMemberDescrObject *)descriptor)->d_member->offset;
    }
    """
    Py_ssize_t plait_slot_offset(object descriptor) except -1

cdef extern from "Python.h":
    ctypedef struct PyThreadState:
        PyObject *async_gen_firstiter
        PyObject *async_gen_finalizer

    PyThreadState *PyThreadState_Get()
    object PyType_GenericAlloc(PyTypeObject *type, Py_ssize_t items)
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef enum:
    # Iterations of a loop that never waits between two looks at descriptors, timers and other threads' wake-ups.
    SHARE = 16
    # As asyncio: cancelled timers are taken out where there are so many timers, and half of them are cancelled.
    SWEEP_MIN = 100

cdef double RESOLUTION_S = 1e-9

cdef object Handle = events.Handle
cdef object TimerHandle = events.TimerHandle
cdef object current_task = asyncio.current_task
cdef object leave_task = tasks._leave_task
cdef object enter_task = tasks._enter_task
cdef object ends_loops = (SystemExit, KeyboardInterrupt, GreenletExit)

cdef Py_ssize_t AT_CALLBACK = plait_slot_offset(Handle._callback)
cdef Py_ssize_t AT_ARGS = plait_slot_offset(Handle._args)
cdef Py_ssize_t AT_CANCELLED = plait_slot_offset(Handle._cancelled)
cdef Py_ssize_t AT_LOOP = plait_slot_offset(Handle._loop)
cdef Py_ssize_t AT_TRACEBACK = plait_slot_offset(Handle._source_traceback)
cdef Py_ssize_t AT_REPR = plait_slot_offset(Handle._repr)
cdef Py_ssize_t AT_CONTEXT = plait_slot_offset(Handle._context)
cdef Py_ssize_t AT_WHEN = plait_slot_offset(TimerHandle._when)
cdef Py_ssize_t AT_SCHEDULED = plait_slot_offset(TimerHandle._scheduled)


# -- handles -----------------------------------------------------------------------------------------------------

cdef inline PyObject **slot(object owner, Py_ssize_t offset) noexcept:
    return <PyObject **>(<char *><PyObject *>owner + offset)


cdef inline object get(object owner, Py_ssize_t offset):
    cdef PyObject *value = slot(owner, offset)[0]
    return None if value == NULL else <object>value


cdef inline void put(object owner, Py_ssize_t offset, object value) noexcept:
    cdef PyObject *old = slot(owner, offset)[0]
    Py_INCREF(value)
    slot(owner, offset)[0] = <PyObject *>value
    Py_XDECREF(old)


cdef object fill(object handle, object callback, object args, object loop, object context):
    """What Handle.__init__ does."""
    put(handle, AT_CALLBACK, callback)
    put(handle, AT_ARGS, args)
    put(handle, AT_CANCELLED, False)
    put(handle, AT_LOOP, loop)
    put(handle, AT_TRACEBACK, None)
    put(handle, AT_REPR, None)
    put(handle, AT_CONTEXT, PyContext_CopyCurrent() if context is None else context)
    return handle


# -- timers ------------------------------------------------------------------------------------------------------

cdef class TimerHeap(DeadlineHeap):
    """TimerHandles by their time."""

    cdef bint is_cancelled(self, object item) except -1:
        return get(item, AT_CANCELLED) is True

    cdef int left(self, object item) except -1:
        put(item, AT_SCHEDULED, False)
        return 0


# -- readiness ---------------------------------------------------------------------------------------------------

cdef class Interest:
    """In one direction of one descriptor: what the hub's descriptors wake."""

    cdef Watch watch
    cdef int event
    cdef bint armed

    def wake(self, value=None):
        self.watch.fire(self.event)
        return True

    def throw(self, exception):
        """The descriptor was closed: who is called finds the error in its own system call."""
        self.watch.fire(self.event)
        return True


@cython.final
cdef class Watch:
    """One descriptor that the loop watches, with the handle that it calls for each direction.

    loop stopped -> nothing is watched; armed -> in the hub's descriptors; fired -> taken out by the hub when it was ready,
    put in again when the loop takes notice. Level-triggered, as the selectors of the standard library.
    """

    cdef Selector selector
    cdef object fileobj
    cdef int fd
    cdef int found
    cdef bint counted  # as something that could wake a greenlet
    cdef bint listed
    cdef object reader, writer
    cdef Interest reading, writing

    cdef int events(self) except -1:
        return (READ if self.reader is not None else 0) | (WRITE if self.writer is not None else 0)

    cdef int fire(self, int event) except -1:
        cdef Selector selector = self.selector
        self.found |= event
        if not self.listed:
            self.listed = True
            selector.fired.append(self)
        selector.waker.wake()
        return 0

    cdef int arm(self, int event) except -1:
        cdef Interest interest = self.reading if event == READ else self.writing
        if interest is None:
            interest = Interest.__new__(Interest)
            interest.watch = self
            interest.event = event
            if event == READ:
                self.reading = interest
            else:
                self.writing = interest
        if not interest.armed:
            (<Descriptors>self.selector.hub.descriptors).enter(self.fd, event, interest)
            interest.armed = True
            if not self.counted:
                self.selector.hub.descriptors.waiting -= 1
        return 0

    cdef int rearm(self, int event) except -1:
        """It has fired. Its interest is registered still."""
        cdef Interest interest = self.reading if event == READ else self.writing
        cdef Descriptors descriptors = <Descriptors>self.selector.hub.descriptors
        if interest is None or not interest.armed:
            return 0
        descriptors.leave(self.fd, event, interest, True)
        try:
            descriptors.enter(self.fd, event, interest)
        except OSError:  # closed while it was registered: nothing will be heard of it
            interest.armed = False
        return 0

    cdef int disarm(self, int event) except -1:
        cdef Interest interest = self.reading if event == READ else self.writing
        self.found &= ~event
        if interest is None or not interest.armed:
            return 0
        interest.armed = False
        if not self.counted:
            self.selector.hub.descriptors.waiting += 1
        try:
            (<Descriptors>self.selector.hub.descriptors).leave(self.fd, event, interest, False)
        except (OSError, ValueError):  # the hub was closed, and its poller with it
            pass
        return 0


@cython.final
cdef class Selector:
    """What a loop watches, and where it waits. `bind` and `unbind` enclose its running, in the thread that runs it."""

    cdef HubCore hub  # None while the loop does not run
    cdef dict watches
    cdef list fired
    cdef Waiter waker
    cdef readonly bint parked
    cdef unsigned int turns

    def __init__(self, outside=True):
        """outside: whether a hub with nothing else left waits for what other threads may schedule."""
        self.watches = {}
        self.fired = []
        self.waker = Waiter(outside, self)

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}: {len(self.watches)} descriptors>"

    # -- its face, as of the standard library's

    def get_map(self):
        return KeyMap(self)

    def get_key(self, fileobj):
        cdef Watch watch = self.watches.get(descriptor(fileobj))
        if watch is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return SelectorKey(watch.fileobj, watch.fd, watch.events(), (watch.reader, watch.writer))

    def close(self):
        self.unbind()
        self.watches.clear()

    def wake(self):
        """Have the loop look at what it has to do. From any thread."""
        self.waker.wake()

    def leave_uncounted(self, int fd):
        """A descriptor, of a loop that does not run, that is no hope to a hub with nothing else left."""
        (<Watch>self.watches[fd]).counted = False

    # -- for the loop

    def bind(self):
        """The loop begins to run in this thread's hub."""
        cdef Watch watch
        self.hub = get_hub()
        self.turns = 0
        for watch in list(self.watches.values()):
            try:
                if watch.reader is not None:
                    watch.arm(READ)
                if watch.writer is not None:
                    watch.arm(WRITE)
            except OSError:  # closed since it was registered: who is called finds the error in its own system call
                watch.fire(watch.events())

    def unbind(self):
        """The loop has stopped."""
        cdef Watch watch
        if self.hub is not None:
            for watch in self.watches.values():
                watch.disarm(READ)
                watch.disarm(WRITE)
            self.hub = None

    cdef object set(self, object fileobj, int event, object handle):
        """Have the handle called when it is ready; the handle that was called before, or None."""
        cdef int fd = descriptor(fileobj)
        cdef Watch watch = self.watches.get(fd)
        cdef bint new = watch is None
        cdef object previous
        if new:
            watch = Watch.__new__(Watch)
            watch.selector = self
            watch.fileobj = fileobj
            watch.fd = fd
            watch.counted = True
            if self.hub is None:
                os.fstat(fd)  # else a bad descriptor would be found when the loop begins to run
        if self.hub is not None:
            watch.arm(event)
        if event == READ:
            previous = watch.reader
            watch.reader = handle
        else:
            previous = watch.writer
            watch.writer = handle
        if new:
            self.watches[fd] = watch
        return previous

    cdef object drop(self, object fileobj, int event):
        """Watch for it no more; the handle that was called, or None."""
        cdef int fd = descriptor(fileobj)
        cdef Watch watch = self.watches.get(fd)
        cdef object previous
        if watch is None:
            return None
        watch.disarm(event)
        if event == READ:
            previous = watch.reader
            watch.reader = None
        else:
            previous = watch.writer
            watch.writer = None
        if watch.reader is None and watch.writer is None:
            del self.watches[fd]
        return previous

    cdef int park(self, double deadline) except -1:
        """Wait until something is ready, somebody wakes, or the deadline has come."""
        self.parked = True
        try:
            if self.waker.wait_until(deadline):
                self.waker.take()
        finally:
            self.parked = False
        return 0

    cdef int share(self) except -1:
        """The loop has something to run: let the other greenlets run once."""
        cdef HubCore hub = self.hub
        if self.turns % SHARE == 0:
            hub.budget = 0  # through the hub, which looks at descriptors and timers
            hub.yield_turn()
        elif hub.ready.count:
            hub.yield_turn()
        self.turns += 1
        if self.waker.outcome:
            self.waker.take()
        return 0


class KeyMap(Mapping):
    """What a Selector watches, by descriptor."""

    def __init__(self, selector):
        self._selector = selector

    def __len__(self):
        return len((<Selector>self._selector).watches)

    def __iter__(self):
        return iter((<Selector>self._selector).watches)

    def __getitem__(self, fileobj):
        return self._selector.get_key(fileobj)


cdef int descriptor(object fileobj) except -1:
    cdef int fd = -1
    try:
        fd = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"Invalid file object: {fileobj!r}") from None
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return fd


# -- the loop ----------------------------------------------------------------------------------------------------

cdef class LoopCore:
    """What asyncio's BaseEventLoop does in each iteration, and what fills it. Its attributes have asyncio's names."""

    cdef public object _ready
    cdef public object _scheduled
    cdef public object _selector
    cdef public Py_ssize_t _timer_cancelled_count
    cdef public bint _stopping
    cdef public bint _closed
    cdef public bint _debug
    cdef readonly TimerHeap timers
    cdef bint stepping  # below a callback, which may be a task's step
    cdef Selector selector

    def __cinit__(self, *args, **kwargs):
        self.timers = TimerHeap()

    def wait_in(self, Selector selector not None):
        """Called before the base class is set up, which watches a descriptor."""
        self.selector = selector

    def time(self):
        """Monotonic seconds."""
        return now()

    # -- scheduling

    def call_soon(self, callback, *args, context=None):
        """Call it in the next iteration. From any greenlet of the loop's thread."""
        cdef object handle
        if self._closed:
            raise RuntimeError("Event loop is closed")
        if self._debug:
            self._check_thread()
            self._check_callback(callback, "call_soon")
        handle = self.new_handle(callback, args, context)
        self._ready.append(handle)
        if self.selector.parked:
            self.selector.waker.wake()
        return handle

    def call_soon_threadsafe(self, callback, *args, context=None):
        """As call_soon, from any thread."""
        cdef object handle
        if self._closed:
            raise RuntimeError("Event loop is closed")
        if self._debug:
            self._check_callback(callback, "call_soon_threadsafe")
        handle = self.new_handle(callback, args, context)
        self._ready.append(handle)
        self._write_to_self()
        return handle

    def call_later(self, delay, callback, *args, context=None):
        """Call it after `delay` seconds. From any greenlet of the loop's thread."""
        if delay is None:
            raise TypeError("delay must not be None")
        return self.schedule(now() + <double>delay, callback, args, context, "call_later")

    def call_at(self, when, callback, *args, context=None):
        """Call it at `when`, as of time(). From any greenlet of the loop's thread."""
        if when is None:
            raise TypeError("when cannot be None")
        return self.schedule(when, callback, args, context, "call_at")

    cdef object schedule(self, double when, object callback, tuple args, object context, object name):
        cdef object timer
        if self._closed:
            raise RuntimeError("Event loop is closed")
        if self._debug:
            self._check_thread()
            self._check_callback(callback, name)
            timer = self._traced(TimerHandle, when, callback, args, self, context)
        else:
            timer = fill(PyType_GenericAlloc(<PyTypeObject *>TimerHandle, 0), callback, args, self, context)
            put(timer, AT_WHEN, when)
        put(timer, AT_SCHEDULED, True)
        self.timers.push(when, timer)
        if self.selector.parked:
            self.selector.waker.wake()
        return timer

    def _timer_handle_cancelled(self, handle):
        if get(handle, AT_SCHEDULED) is True:
            self._timer_cancelled_count += 1

    cdef object new_handle(self, object callback, tuple args, object context):
        if self._debug:
            return self._traced(Handle, callback, args, self, context)
        return fill(PyType_GenericAlloc(<PyTypeObject *>Handle, 0), callback, args, self, context)

    # -- descriptors

    def _add_reader(self, fd, callback, *args):
        return self.add(fd, READ, callback, args)

    def _add_writer(self, fd, callback, *args):
        return self.add(fd, WRITE, callback, args)

    def _remove_reader(self, fd):
        return self.remove(fd, READ)

    def _remove_writer(self, fd):
        return self.remove(fd, WRITE)

    cdef object add(self, object fd, int event, object callback, tuple args):
        cdef object handle, previous
        if self._closed:
            raise RuntimeError("Event loop is closed")
        handle = self.new_handle(callback, args, None)
        previous = self.selector.set(fd, event, handle)
        if previous is not None:
            previous.cancel()
        return handle

    cdef bint remove(self, object fd, int event) except -1:
        cdef object previous
        if self._closed:
            return False
        previous = self.selector.drop(fd, event)
        if previous is None:
            return False
        previous.cancel()
        return True

    cdef int notice(self) except -1:
        """Schedule the handles of what is ready."""
        cdef Watch watch
        cdef list fired = self.selector.fired
        cdef int found
        self.selector.fired = []
        for watch in fired:
            watch.listed = False
            found = watch.found & watch.events()
            watch.found = 0
            if found & READ:
                self.notice_one(watch, READ, watch.reader)
            if found & WRITE:
                self.notice_one(watch, WRITE, watch.writer)
        return 0

    cdef int notice_one(self, Watch watch, int event, object handle) except -1:
        if get(handle, AT_CANCELLED) is True:
            self.remove(watch.fileobj, event)
            return 0
        watch.rearm(event)
        self._ready.append(handle)
        return 0

    # -- running

    def _run_once(self):
        """One iteration: wait for something to do, and do what there was at its end."""
        cdef object ready = self._ready
        cdef TimerHeap timers = self.timers
        cdef Selector selector = self.selector
        cdef double end
        cdef Py_ssize_t i
        cdef object handle
        # 1. timers that were cancelled
        if timers.count:
            self.drop_cancelled()
        # 2. the hub
        if len(ready) or self._stopping or timers.count and timers.soonest() <= now():
            selector.share()
        else:
            selector.park(timers.soonest() if timers.count else NEVER)
        if selector.fired:
            self.notice()
        # 3. timers that are due
        if timers.count:
            end = now() + RESOLUTION_S
            while timers.count and timers.soonest() <= end:
                ready.append(timers.pop())
        # 4. what there is now, and not what that schedules
        for i in range(len(ready)):
            handle = ready.popleft()
            if self._debug:
                self.run_watched(handle)
            else:
                self.run_handle(handle)

    cdef int drop_cancelled(self) except -1:
        cdef TimerHeap timers = self.timers
        if timers.count > SWEEP_MIN and self._timer_cancelled_count * 2 > timers.count:
            self._timer_cancelled_count = 0
            timers.sweep()
        else:
            self._timer_cancelled_count -= timers.drop_cancelled()
        return 0

    cdef int run_handle(self, object handle) except -1:
        """What Handle._run does."""
        cdef object callback, args, context
        cdef object failure = None
        if get(handle, AT_CANCELLED) is True:
            return 0
        callback = get(handle, AT_CALLBACK)
        args = get(handle, AT_ARGS)
        context = get(handle, AT_CONTEXT)
        PyContext_Enter(context)
        self.stepping = True
        try:
            callback(*args)
        except BaseException as error:
            failure = error
        self.stepping = False
        PyContext_Exit(context)
        if failure is not None:
            if isinstance(failure, ends_loops):
                raise failure
            self.report(handle, failure)
        return 0

    def report(self, handle, failure):
        """Give the loop's exception handler what a callback raised."""
        # Later versions show arguments in debug mode alone.
        shown = {"debug": self._debug} if sys.version_info >= (3, 14) else {}
        source = format_helpers._format_callback_source(handle._callback, handle._args, **shown)
        context = {"message": f"Exception in callback {source}", "exception": failure, "handle": handle}
        if handle._source_traceback:
            context["source_traceback"] = handle._source_traceback
        self.call_exception_handler(context)

    def run_watched(self, handle):
        """Run it in debug mode: tell of one that takes long."""
        cdef double began, taken
        if handle._cancelled:
            return
        self._current_handle = handle
        began = now()
        try:
            self.run_handle(handle)
            taken = now() - began
            if taken >= self.slow_callback_duration:
                base_events.logger.warning("Executing %s took %.3f seconds", describe(handle), taken)
        finally:
            self._current_handle = None


def describe(handle):
    """The task whose step it is, else the handle."""
    owner = getattr(handle._callback, "__self__", None)
    return repr(owner) if isinstance(owner, asyncio.Task) else str(handle)


# -- what CPython keeps per thread ---------------------------------------------------------------------------------

cdef class Carried:
    """The thread's state of a running loop: the hub's `guest` while its greenlet runs."""

    cdef LoopCore loop
    cdef object task
    cdef PyObject *firstiter  # the hooks of asynchronous generators: while it runs those of outside, else its own
    cdef PyObject *finalizer

    def __init__(self, LoopCore loop not None):
        """Called before the loop sets its own hooks."""
        cdef PyThreadState *thread = PyThreadState_Get()
        self.loop = loop
        self.firstiter = thread.async_gen_firstiter
        self.finalizer = thread.async_gen_finalizer
        Py_XINCREF(self.firstiter)
        Py_XINCREF(self.finalizer)

    def __dealloc__(self):
        cdef PyObject *firstiter = self.firstiter
        cdef PyObject *finalizer = self.finalizer
        self.firstiter = self.finalizer = NULL
        Py_XDECREF(firstiter)
        Py_XDECREF(finalizer)

    cdef int exchange_hooks(self) except -1:
        cdef PyThreadState *thread = PyThreadState_Get()
        thread.async_gen_firstiter, self.firstiter = self.firstiter, thread.async_gen_firstiter
        thread.async_gen_finalizer, self.finalizer = self.finalizer, thread.async_gen_finalizer
        return 0

    cpdef leave(self):
        """Put it aside. Called as the greenlet is switched away from."""
        cdef object loop = self.loop
        if self.loop.stepping:
            self.task = current_task(loop)
            if self.task is not None:
                leave_task(loop, self.task)
        self.exchange_hooks()
        events._set_running_loop(None)

    cpdef enter(self, _):
        """Put it back. Called where the greenlet goes on."""
        events._set_running_loop(self.loop)
        self.exchange_hooks()
        if self.task is not None:
            enter_task(self.loop, self.task)
            self.task = None
