# cython: language_level=3, boundscheck=False, wraparound=False
"""Descriptors, natively: the poller on epoll, who waits for what, and the calls of a socket that run for each message.

`plait.green.poller` states the poller's contract, `plait.green.descriptors` that of waiting, `plait.green.socket` what the
calls mean.

A channel is the part of a socket that its calls touch: the descriptor, how long a call may wait, and whether the last
read emptied it. Each call is tried first and waits where the kernel has nothing; after a read from a stream that brought
less than it asked for there is nothing, so the next one waits at once and saves a system call. That cannot miss
anything: epoll reports what is there, not what changes. Small calls keep the GIL, since they never block.

Fairness: calls that found their socket ready are counted for the whole hub, and past IO_BUDGET in one of its turns the
greenlet lets the hub look at timers and other descriptors. It does so before its call, so that one that is killed
meanwhile has taken nothing.
"""

import errno
import os

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport EAGAIN, EBADF, EEXIST, EINTR, EINVAL, ENOENT, EPERM, errno as c_errno
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from plait.green._native.core cimport IO_BUDGET, NEVER, HubCore, Readiness, Waiter, current_hub, deadline_of, get_hub, now

from plait.green.exceptions import DeadlineExceeded

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        int fd
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout_ms)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
    int EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd(unsigned int value, int flags)
    int EFD_CLOEXEC, EFD_NONBLOCK

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
    ssize_t c_recv "recv"(int fd, void *buffer, size_t size, int flags)
    ssize_t c_send "send"(int fd, const void *buffer, size_t size, int flags)

cdef extern from "<unistd.h>" nogil:
    ssize_t c_read "read"(int fd, void *buffer, size_t size)
    ssize_t c_write "write"(int fd, const void *buffer, size_t size)
    int c_close "close"(int fd)

cdef enum:
    BATCH = 256  # events that one look takes
    SCRATCH_BYTES = 65536  # what is received at most without an object of that size
    SHORT_BYTES = 65536  # calls up to this size keep the GIL

cdef double MAX_WAIT_S = 86400.0  # epoll takes milliseconds in an int; waking once a day costs nothing

cdef char scratch[SCRATCH_BYTES]  # guarded by the GIL, which is kept from the call to the copy
cdef object timeout_error = TimeoutError
cdef object OWN_TIMEOUT = object()


cdef int raise_errno(int number) except -1:
    raise OSError(number, os.strerror(number))


cdef inline uint32_t mask_of(int interest) noexcept:
    return (<uint32_t>(EPOLLIN | EPOLLRDHUP) if interest & READ else 0) | (<uint32_t>EPOLLOUT if interest & WRITE else 0)


cdef inline int ready_of(uint32_t events) noexcept:
    if events & <uint32_t>(EPOLLERR | EPOLLHUP):
        return READ | WRITE
    return (READ if events & <uint32_t>(EPOLLIN | EPOLLPRI | EPOLLRDHUP) else 0) | (WRITE if events & <uint32_t>EPOLLOUT else 0)


cdef class EpollPoller:
    """Readiness by epoll; other threads' wake-ups by an eventfd in the same set. See `plait.green.poller`."""

    def __cinit__(self):
        self.bell = -1
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll < 0:
            raise_errno(c_errno)
        self.bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        if self.bell < 0:
            raise_errno(c_errno)
        self.control(EPOLL_CTL_ADD, self.bell, READ)

    def __dealloc__(self):
        if self.epoll >= 0:
            c_close(self.epoll)
        if self.bell >= 0:
            c_close(self.bell)
        PyMem_Free(self.interests)

    def fileno(self):
        """The descriptor that is readable while any of the set is ready; -1 once closed."""
        return self.epoll

    cpdef int watch(self, int fd, int interest) except -1:
        """Hear of fd what interest says, READ | WRITE; 0 for nothing. Idempotent.

        Raises PermissionError for a descriptor that is always ready (a regular file).
        """
        cdef int known
        if fd < 0:
            raise ValueError(f"fd={fd} is no descriptor; it was closed, or never opened")
        if fd >= self.room:
            self.grow(fd)
        known = self.interests[fd]
        if known == interest:
            return 0
        self.interests[fd] = interest
        if not interest:
            epoll_ctl(self.epoll, EPOLL_CTL_DEL, fd, NULL)  # closed already: the kernel dropped it
            return 0
        try:
            self.control(EPOLL_CTL_MOD if known else EPOLL_CTL_ADD, fd, interest)
        except FileNotFoundError:  # closed behind our back, and the number reused
            try:
                self.control(EPOLL_CTL_ADD, fd, interest)
            except BaseException:
                self.interests[fd] = 0
                raise
        except FileExistsError:
            self.control(EPOLL_CTL_MOD, fd, interest)
        except BaseException:
            self.interests[fd] = 0
            raise
        return 0

    cpdef int forget(self, int fd) except -1:
        """fd is about to be closed, or its number was reused: drop all that is known of it."""
        if 0 <= fd < self.room and self.interests[fd]:
            self.interests[fd] = 0
            epoll_ctl(self.epoll, EPOLL_CTL_DEL, fd, NULL)
        return 0

    def wait(self, timeout_s):
        """Block for at most timeout_s seconds, None until something happens. [(fd, ready)], ready of READ | WRITE."""
        cdef Found found[BATCH]
        cdef int i, count = self.look(NEVER if timeout_s is None else <double>timeout_s, found, BATCH)
        return [(found[i].fd, found[i].ready) for i in range(count)]

    cdef int look(self, double timeout_s, Found *found, int most) except -1:
        """As `wait`, into found; returns how many. Signal handlers run, and may raise."""
        cdef epoll_event events[BATCH]
        cdef int i, count, kept = 0
        cdef int timeout_ms
        cdef double deadline
        if self.epoll < 0:
            raise ValueError("the poller is closed: its hub has ended")
        if timeout_s <= 0:
            count = epoll_wait(self.epoll, events, most, 0)
        else:
            deadline = NEVER if timeout_s == NEVER else now() + timeout_s
            while True:
                # Rounded up: a timer that is asked for too early is asked for twice.
                timeout_ms = -1 if timeout_s == NEVER else <int>((timeout_s if timeout_s < MAX_WAIT_S else MAX_WAIT_S) * 1000 + 0.999)
                with nogil:
                    count = epoll_wait(self.epoll, events, most, timeout_ms)
                if count >= 0 or c_errno != EINTR:
                    break
                PyErr_CheckSignals()
                if self.rung:
                    timeout_s = 0
                elif deadline != NEVER:
                    timeout_s = max(0.0, deadline - now())
        # Another thread may have received the signal, which then ended no wait. What a handler raises belongs to the hub,
        # not to the greenlet that is next; what was found is found again.
        if count < 0 and c_errno != EINTR:
            raise_errno(c_errno)
        PyErr_CheckSignals()
        for i in range(count):
            if events[i].data.fd == self.bell:
                self.silence()
            else:
                found[kept].fd = events[i].data.fd
                found[kept].ready = ready_of(events[i].events)
                kept += 1
        return kept

    cpdef int notify(self) except -1:
        """Make a wait() that blocks now, or the next one, return. From any thread."""
        # The caller has published its work before. Whoever finds the bell rung may leave: the hub silences it first and
        # looks at the inbox afterwards.
        cdef uint64_t one = 1
        if not self.rung and self.bell >= 0:
            self.rung = True
            c_write(self.bell, &one, sizeof(one))
        return 0

    cpdef int close(self) except -1:
        """Release the kernel's objects. Idempotent."""
        cdef int bell = self.bell, epoll = self.epoll
        self.bell = self.epoll = -1
        if bell >= 0:
            c_close(bell)
            c_close(epoll)
            memset(self.interests, 0, self.room)
        return 0

    cdef int silence(self) except -1:
        cdef uint64_t count
        c_read(self.bell, &count, sizeof(count))
        self.rung = False
        return 0

    cdef int control(self, int operation, int fd, int interest) except -1:
        cdef epoll_event event
        event.events = mask_of(interest)
        event.data.u64 = 0
        event.data.fd = fd
        if epoll_ctl(self.epoll, operation, fd, &event) < 0:
            raise_errno(c_errno)
        return 0

    cdef int grow(self, int fd) except -1:
        cdef int room = max(64, self.room)
        while room <= fd:
            room *= 2
        cdef unsigned char *interests = <unsigned char *>PyMem_Realloc(self.interests, room)
        if interests == NULL:
            raise MemoryError
        memset(interests + self.room, 0, room - self.room)
        self.interests = interests
        self.room = room
        return 0


# -- who waits for what ------------------------------------------------------------------------------------------

cdef class Direction:
    """Who waits for one descriptor to be readable, or writable. What a wait for it has as its subject."""

    def __cinit__(self, int fd, int direction):
        self.fd = fd
        self.direction = direction

    def __repr__(self):
        return f"<descriptor {self.fd} to be {'readable' if self.direction == READ else 'writable'}>"

    cdef int add(self, object waiter) except -1:
        if self.waiter is None:
            self.waiter = waiter
        elif self.others is None:
            self.others = [waiter]
        else:
            self.others.append(waiter)
        return 0

    cdef int drop(self, object waiter) except -1:
        if self.waiter is waiter:
            self.waiter = self.others.pop(0) if self.others else None
        elif self.others is not None and waiter in self.others:
            self.others.remove(waiter)
        return 0

    cdef int wake(self) except -1:
        """Wake all, who find out themselves for whom there is enough."""
        cdef object waiter, others
        waiter, self.waiter = self.waiter, None
        others, self.others = self.others, None
        if isinstance(waiter, Waiter):
            (<Waiter>waiter).wake()
        elif waiter is not None:
            waiter.wake()
        if others is not None:
            for waiter in others:
                waiter.wake()
        return 0

    cdef int fail(self, object error) except -1:
        cdef object waiter, others
        waiter, self.waiter = self.waiter, None
        others, self.others = self.others, None
        if waiter is not None:
            waiter.throw(error)
        for waiter in others or ():
            waiter.throw(error)
        return 0


cdef class Descriptor:
    """One descriptor: who waits for it, and what the poller was told, which covers at least what is waited for."""

    def __cinit__(self, int fd):
        self.readers = Direction(fd, READ)
        self.writers = Direction(fd, WRITE)


cdef class Descriptors(Readiness):
    """Who waits for which descriptor, in one hub. See `plait.green.descriptors`."""

    def __cinit__(self, EpollPoller poller not None):
        self.poller_ = poller

    def __dealloc__(self):
        cdef int fd
        for fd in range(self.room):
            self.drop(fd)
        PyMem_Free(self.entries)

    @property
    def poller(self):
        return self.poller_

    def known_descriptors(self):
        """Those that somebody waits for, or that the poller looks at."""
        return [fd for fd in range(self.room) if self.entries[fd] != NULL]

    def add(self, int fd, int direction, waiter):
        """Wake `waiter` when fd is ready for `direction` (READ or WRITE); at once when it always is.

        Every add that does not raise is undone by one remove.
        """
        self.enter(fd, direction, waiter)

    def remove(self, int fd, int direction, waiter, bint sticky):
        """Undo an add, whether the waiter was woken or not."""
        self.leave(fd, direction, waiter, sticky)

    def closing(self, int fd):
        """fd is about to be closed: whoever waits for it gets EBADF. Any thread."""
        cdef Descriptor entry = self.known(fd)
        if entry is None:
            return
        self.drop(fd)
        self.poller_.forget(fd)
        if entry.wanted():
            error = OSError(EBADF, f"{os.strerror(EBADF)}: descriptor {fd} was closed during a wait")
            entry.readers.fail(error)
            entry.writers.fail(error)

    def renew(self, int fd):
        """fd is a new descriptor: what is known of an earlier one with its number is dropped, unless somebody waits."""
        cdef Descriptor entry = self.known(fd)
        if entry is not None and not entry.wanted():
            self.drop(fd)
            self.poller_.forget(fd)

    def wake(self, found):
        """Wake who waits for what the poller found, [(fd, ready)]."""
        for fd, ready in found:
            self.tell(fd, ready)

    def close(self):
        """The hub has ended: nobody who waits here will be woken."""
        for fd in self.known_descriptors():
            self.drop(fd)
        self.poller_.close()

    def move_to(self, EpollPoller poller not None):
        """After a fork: tell a new poller all that the old one knew."""
        cdef Descriptor entry
        self.poller_ = poller
        for fd in self.known_descriptors():
            entry = self.known(fd)
            entry.interest = entry.wanted()
            try:
                poller.watch(fd, entry.interest)
            except OSError:
                self.closing(fd)

    # -- for the hub -----------------------------------------------------------------------------------------

    cdef int poll(self, double timeout) except -1:
        cdef Found found[BATCH]
        cdef int i, count = self.poller_.look(timeout, found, BATCH)
        for i in range(count):
            self.tell(found[i].fd, found[i].ready)
        return 0

    cdef int notify(self) except -1:
        return self.poller_.notify()

    # -- the steps -------------------------------------------------------------------------------------------

    cdef Descriptor known(self, int fd):
        if 0 <= fd < self.room and self.entries[fd] != NULL:
            return <Descriptor>self.entries[fd]
        return None

    cdef Descriptor entry(self, int fd):
        cdef Descriptor entry
        if fd < 0:
            raise ValueError(f"fd={fd} is no descriptor; it was closed, or never opened")
        if fd >= self.room:
            self.grow(fd)
        if self.entries[fd] == NULL:
            entry = Descriptor(fd)
            Py_INCREF(entry)
            self.entries[fd] = <PyObject *>entry
        return <Descriptor>self.entries[fd]

    cdef Direction enter(self, int fd, int direction, object waiter):
        cdef Descriptor entry = self.known(fd)
        cdef Direction line
        if entry is None:
            entry = self.entry(fd)
        if entry.interest & direction == 0:
            try:
                self.poller_.watch(fd, entry.interest | direction)
            except PermissionError:  # a regular file: reading it never would block for long
                self._drop_if_unused(fd, entry)
                self.waiting += 1
                waiter.wake()
                return None
            except BaseException:
                self._drop_if_unused(fd, entry)
                raise
            entry.interest |= direction
        line = entry.readers if direction == READ else entry.writers
        line.add(waiter)
        self.waiting += 1
        return line

    cdef int leave(self, int fd, int direction, object waiter, bint sticky) except -1:
        cdef Descriptor entry = self.known(fd)
        self.waiting -= 1
        if entry is None:
            return 0
        (entry.readers if direction == READ else entry.writers).drop(waiter)
        if not sticky:
            self.narrow(fd, entry)
        return 0

    cdef int tell(self, int fd, int ready) except -1:
        cdef Descriptor entry = self.known(fd)
        cdef int woken = 0
        if entry is None:
            return self.poller_.forget(fd)
        if ready & READ and entry.readers.waiter is not None:
            entry.readers.wake()
            woken |= READ
        if ready & WRITE and entry.writers.waiter is not None:
            entry.writers.wake()
            woken |= WRITE
        if not woken or entry.interest & ready & ~woken:
            self.narrow(fd, entry)
        return 0

    cdef int narrow(self, int fd, Descriptor entry) except -1:
        """Have the poller look only at what is waited for."""
        cdef int wanted = entry.wanted()
        if wanted != entry.interest:
            self.poller_.watch(fd, wanted)
            entry.interest = wanted
        self._drop_if_unused(fd, entry)
        return 0

    def _drop_if_unused(self, int fd, Descriptor entry):
        if not entry.interest and not entry.wanted():
            self.drop(fd)

    cdef int drop(self, int fd) except -1:
        cdef PyObject *entry = self.entries[fd]
        if entry != NULL:
            self.entries[fd] = NULL
            Py_DECREF(<object>entry)
        return 0

    cdef int grow(self, int fd) except -1:
        cdef int room = max(64, self.room)
        while room <= fd:
            room *= 2
        cdef PyObject **entries = <PyObject **>PyMem_Realloc(self.entries, room * sizeof(PyObject *))
        if entries == NULL:
            raise MemoryError
        memset(entries + self.room, 0, (room - self.room) * sizeof(PyObject *))
        self.entries = entries
        self.room = room
        return 0


cdef bint park_for(HubCore hub, int fd, int direction, double deadline, bint sticky) except -1:
    """Park until fd is ready for `direction`; False where the deadline came first."""
    cdef Descriptors descriptors = <Descriptors>hub.descriptors
    cdef Waiter waiter = Waiter.__new__(Waiter, False)
    waiter.subject = descriptors.enter(fd, direction, waiter)
    try:
        if not waiter.wait_until(deadline):
            return False
        waiter.take()
        return True
    finally:
        descriptors.leave(fd, direction, waiter, sticky)


def wait_for(int fd, int direction, deadline, bint sticky):
    """Park until fd is ready for `direction`; False where the deadline (monotonic seconds) came first.

    sticky: the caller promises to tell `descriptors.closing(fd)` before it closes fd.
    """
    return park_for(get_hub(), fd, direction, NEVER if deadline is None else <double>deadline, sticky)


# -- a socket's calls --------------------------------------------------------------------------------------------

cdef class Channel:
    """What the calls of one socket touch.

    limit: seconds that a call may wait; None: for ever; 0: not at all. stream: whether what a short read leaves is nothing.
    """

    def __cinit__(self, int fd, limit=None, bint stream=False):
        self.fd = fd
        self.limit = limit
        self.stream = stream
        self.ref = True

    @property
    def limit(self):
        """Seconds that a call may wait; None: for ever; 0: not at all."""
        return None if self.patience == NEVER else self.patience

    @limit.setter
    def limit(self, seconds):
        self.patience = NEVER if seconds is None else <double>seconds

    def forget(self):
        """The descriptor is about to be closed, or given away."""
        cdef int fd = self.fd
        self.fd = -1
        if self.hub is not None and fd >= 0:
            self.hub.descriptors.closing(fd)

    def wait_for(self, int direction, deadline):
        """Park until ready for `direction`. Raises TimeoutError at the deadline (monotonic seconds)."""
        self.wait(direction, NEVER if deadline is None else <double>deadline)

    def take_turn(self):
        """Count a call that may find its socket ready, and let others run where there were many."""
        self.pay()

    cdef int wait(self, int direction, double deadline) except -1:
        cdef HubCore hub = get_hub()
        if self.fd < 0:
            raise_errno(EBADF)
        self.hub = hub
        if not (park_for(hub, self.fd, direction, deadline, True) if self.ref else self.park_unref(direction, deadline)):
            raise timeout_error("timed out")
        if self.fd < 0:
            raise_errno(EBADF)
        return 0

    cdef bint park_unref(self, int direction, double deadline) except -1:
        """As park_for, but a hub with nothing else left does not wait for it."""
        cdef HubCore hub = self.hub
        hub.descriptors.waiting -= 1
        try:
            return park_for(hub, self.fd, direction, deadline, True)
        finally:
            hub.descriptors.waiting += 1

    cdef inline double due(self) except -1:
        return NEVER if self.patience == NEVER else now() + self.patience

    cdef int pay(self) except -1:
        cdef HubCore hub = current_hub()
        if hub is None:
            return 0
        hub.io_left -= 1
        if hub.io_left <= 0:
            hub.io_left = IO_BUDGET
            if not hub.in_callback():
                hub.budget = 0  # through the hub, which looks at all the others
                hub.yield_turn()
        return 0

    cdef int failed(self, int flags) except -1:
        """After a call that returned an error: 0 where it is to be tried again, 1 where it would wait."""
        cdef int number = c_errno
        if number == EAGAIN:
            if self.patience == 0 or flags & MSG_DONTWAIT:
                raise_errno(number)
            return 1
        if number != EINTR:
            raise_errno(number)
        PyErr_CheckSignals()
        return 0


cdef inline Channel channel_of(object sock):
    return <Channel?>sock._channel


def recv(self, bufsize, int flags=0, /):
    """Up to bufsize bytes; b"" at the end of the stream."""
    cdef Channel channel = channel_of(self)
    cdef Py_ssize_t size = bufsize
    cdef ssize_t count
    cdef double deadline = -1
    cdef bytes data = None
    cdef char *buffer = scratch
    if size < 0:
        raise ValueError("negative buffersize in recv")
    if size > SCRATCH_BYTES:
        data = PyBytes_FromStringAndSize(NULL, size)
        buffer = PyBytes_AS_STRING(data)
    if channel.drained and channel.patience != 0 and not flags:
        deadline = channel.due()
        channel.wait(READ, deadline)
    else:
        channel.pay()
    while True:
        count = c_recv(channel.fd, buffer, size, flags)
        if count >= 0:
            channel.drained = channel.stream and not flags and 0 < count < size
            return PyBytes_FromStringAndSize(buffer, count) if data is None else data[:count]
        if channel.failed(flags):
            if deadline < 0:
                deadline = channel.due()
            channel.wait(READ, deadline)


def recv_into(self, buffer, Py_ssize_t nbytes=0, int flags=0):
    """Receive into a writable buffer, at most nbytes bytes, 0 for all of it. Returns how many came."""
    cdef Channel channel = channel_of(self)
    cdef Py_buffer view
    cdef ssize_t count
    cdef double deadline = -1
    if nbytes < 0:
        raise ValueError("negative buffersize in recv_into")
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
    try:
        if nbytes > view.len:
            raise ValueError("buffer too small for requested bytes")
        if nbytes == 0:
            nbytes = view.len
        if channel.drained and channel.patience != 0 and not flags:
            deadline = channel.due()
            channel.wait(READ, deadline)
        else:
            channel.pay()
        while True:
            count = c_recv(channel.fd, view.buf, nbytes, flags)
            if count >= 0:
                channel.drained = channel.stream and not flags and 0 < count < nbytes
                return count
            if channel.failed(flags):
                if deadline < 0:
                    deadline = channel.due()
                channel.wait(READ, deadline)
    finally:
        PyBuffer_Release(&view)


cdef ssize_t send_some(Channel channel, const char *data, Py_ssize_t size, int flags, double *deadline) except -1:
    """Send what the kernel takes, after a wait where it takes nothing. Returns how much it took."""
    cdef ssize_t count
    cdef int fd = channel.fd
    while True:
        if size <= SHORT_BYTES:
            count = c_send(channel.fd, data, size, flags)
        else:
            with nogil:
                count = c_send(fd, data, size, flags)
        if count >= 0:
            return count
        if channel.failed(flags):
            if deadline[0] < 0:
                deadline[0] = channel.due()
            channel.wait(WRITE, deadline[0])


def send(self, data, int flags=0, timeout=OWN_TIMEOUT):
    """Send what the kernel takes of data; returns how many bytes that were.

    timeout: seconds for this call, in place of the socket's own; None waits for ever.
    """
    cdef Channel channel = channel_of(self)
    cdef Py_buffer view
    cdef double deadline = -1 if timeout is OWN_TIMEOUT else deadline_of(timeout)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        channel.pay()
        return send_some(channel, <const char *>view.buf, view.len, flags, &deadline)
    finally:
        PyBuffer_Release(&view)


def sendall(self, data, int flags=0, /):
    """Send all of data. The timeout is for the whole; where it is over, nobody knows how much was sent."""
    cdef Channel channel = channel_of(self)
    cdef Py_buffer view
    cdef Py_ssize_t sent = 0
    cdef double deadline = -1
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if channel.patience != NEVER and channel.patience != 0 and view.len > SHORT_BYTES:
            deadline = channel.due()
        while True:
            channel.pay()
            sent += send_some(channel, <const char *>view.buf + sent, view.len - sent, flags, &deadline)
            if sent >= view.len:
                return
            if deadline < 0:
                deadline = channel.due()
    finally:
        PyBuffer_Release(&view)
