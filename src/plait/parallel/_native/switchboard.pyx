# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The switchboard: what `plait.parallel.pool.switchboard` documents. Its protocols are there; here is how they are kept.

Every public method is one step: between enter() and leave() runs no Python code (no bytecode, no finalizer, no signal
handler; the collector is off), and the GIL is let go only while bytes move, where `busy` keeps others out.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from libc.errno cimport EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from posix.stat cimport fstat, struct_stat
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.unistd cimport close, read, write

from plait.parallel._native.framing cimport Receiver, Sender
from plait.parallel._native.progress cimport SLOTS, Progress

from collections import deque

from pickle import loads

from plait.green.exceptions import DeadlineExceeded
from plait.parallel.transport.exchange import Exports, Imports

cdef extern from "Python.h":
    int PyGC_Disable() noexcept
    int PyGC_Enable() noexcept

cdef extern from "sys/epoll.h" nogil:
    """
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    #include <sys/timerfd.h>
    """
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    enum:
        EPOLL_CLOEXEC
        EPOLLIN
        EPOLLOUT
        EPOLL_CTL_ADD
        EPOLL_CTL_DEL
        EPOLL_CTL_MOD
        EFD_NONBLOCK
        EFD_CLOEXEC
        TFD_NONBLOCK
        TFD_CLOEXEC
    struct itimerspec:
        timespec it_interval
        timespec it_value
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout_ms)
    int eventfd(unsigned int value, int flags)
    int timerfd_create(int clock, int flags)
    int timerfd_settime(int fd, int flags, const itimerspec *new, itimerspec *old)

cdef enum:
    EVENTS = 64  # taken from the kernel at once
    DEPTH = 2  # batches that a worker has at most, the one that runs included
    DEPTH_QUICK = 8  # where they take less than QUICK_NS
    KNOWN_MAX = 256  # functions that a worker keeps pickled
    DIGEST = 16
cdef int64_t QUICK_NS = 500000
cdef int64_t LEASE_NS = 2000000  # how long the seat may be empty before the pool's thread takes it
cdef int64_t STEAL_NS = 10000000  # a tail shorter than this is not worth sending again
cdef int RECHECK_MS = 10  # how often the tails are looked at while workers are idle
cdef double NEVER = float("inf")

# Who reads the workers' channels.
cdef enum:
    NOBODY = 0  # whoever comes first; the pool's thread when the lease ends
    CALLER = 1  # a thread that waits for its own batches
    THREAD = 2  # the pool's own

# Kinds of messages, and how a batch ended: the numbers of `outcome`.
cdef enum:
    BATCH = 1
    REPLY = 2
    PART = 3
    WORD = 4
    DONE = 0

cdef packed struct OrderHead:
    uint8_t kind
    uint8_t shape  # of the pickled calls, see `outcome`
    uint16_t slot
    uint16_t functions  # how many more of the call's functions follow
    uint8_t has_record
    uint8_t forget  # what it keeps of functions
    uint8_t has_note  # which parts lie elsewhere
    uint8_t has_words  # leases that have ended
    int32_t function  # number of the one that all tasks call, or -1
    int64_t call
    int64_t first

cdef packed struct ReplyHead:
    uint8_t kind
    uint8_t how
    uint16_t slot
    uint32_t count  # results in this message
    uint8_t has_detail
    uint8_t has_events
    uint8_t singly  # each result is a pickle of its own
    uint8_t leaving  # it has grown too large, and takes no more batches
    uint8_t has_note  # files came along: their inodes, and the note that says what they hold
    uint8_t has_words
    double seconds  # that the whole took, in the last message of a batch


def order_head(head):
    """(shape, slot, functions, has_record, forget, has_words, has_note, function, call, first) of a batch's first part."""
    cdef OrderHead order
    cdef const unsigned char[:] view = head
    if view.shape[0] != sizeof(OrderHead):
        raise ValueError(f"a batch begins with {sizeof(OrderHead)} bytes, not {view.shape[0]}")
    memcpy(&order, &view[0], sizeof(OrderHead))
    return (order.shape, order.slot, order.functions, order.has_record, order.forget, order.has_words, order.has_note,
            order.function, order.call, order.first)


def reply_head(int kind, int how, int slot, unsigned int count, bint has_detail, bint has_events, bint singly,
               bint leaving, bint has_note, bint has_words, double seconds):
    """The first part of a worker's message."""
    cdef ReplyHead reply
    memset(&reply, 0, sizeof(ReplyHead))
    reply.kind, reply.how, reply.slot, reply.count = kind, how, slot, count
    reply.has_detail, reply.has_events, reply.singly, reply.leaving = has_detail, has_events, singly, leaving
    reply.has_note, reply.has_words = has_note, has_words
    reply.seconds = seconds
    return PyBytes_FromStringAndSize(<char *>&reply, sizeof(ReplyHead))


cdef int64_t now_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef class Run:
    """A call's use of the workers. limit: how many at once. record: pickled, what each is told of the call.

    setup: names the initializer that has run in its workers; those in which another has do not serve it.

    functions: (digest, pickle) of each that its tasks call by number; whoever submits appends.
    """

    cdef readonly long long id
    cdef readonly int limit
    cdef readonly bint fail_fast
    cdef public bint outlives_workers  # their deaths are no errors that end it
    cdef public bint closed
    cdef readonly object completions
    cdef readonly bytes record, setup
    cdef readonly list functions
    cdef object pending  # deque of Spans, to be sent
    cdef int workers  # that have a span of it

    def __init__(self, long long id, int limit, bytes record, bytes setup, bint fail_fast, completions):
        self.id = id
        self.limit = limit
        self.record = record
        self.setup = setup
        self.fail_fast = fail_fast
        self.completions = completions
        self.functions = []
        self.pending = deque()


cdef class Span:
    """Tasks begin .. end-1 of a batch, on their way through one worker."""

    cdef readonly object batch
    cdef readonly Run run
    cdef readonly unsigned int begin, end  # as it was sent; the page has the end as it is now
    cdef readonly unsigned int done  # results that have come back
    cdef readonly unsigned int begun  # tasks begun, once its worker was removed
    cdef unsigned int slot
    cdef bint dropped  # its batch was given back; what still comes is for nobody


cdef class Arrival:
    """Parts of a worker's answer; open() makes those that lie elsewhere ours. One that nobody opens is let go of."""

    cdef list parts
    cdef object note  # pickled; None where all parts are here
    cdef list descriptors
    cdef object imports

    def open(self):
        note, self.note = self.note, None
        if note is not None:
            self.imports.open(loads(note), self.parts, self.descriptors)
        return self.parts

    def __del__(self):
        self.open()


cdef Span new_span(object batch, Run run, unsigned int begin, unsigned int end):
    cdef Span span = Span.__new__(Span)
    span.batch = batch
    span.run = run
    span.begin = begin
    span.end = end
    return span


cdef list take_descriptors(bytearray inodes, list descriptors):
    """Those of a message. Where the kernel gave fewer, what is there may be a later message's, so they are compared."""
    cdef list taken = []
    cdef uint64_t inode
    cdef struct_stat found
    cdef Py_ssize_t i
    for i in range(len(inodes) // 8):
        memcpy(&inode, <char *>inodes + 8 * i, 8)
        if descriptors and fstat(descriptors[0], &found) == 0 and <uint64_t>found.st_ino == inode:
            taken.append(descriptors.pop(0))
    return taken


cdef class Link:
    """The switchboard's end of one worker."""

    cdef readonly object process
    cdef readonly object exports, imports  # of `transport.exchange`
    cdef readonly list words  # leases of ours that the worker has ended, until exports are told
    cdef list own_words  # leases of its own that we have ended, and that it is not told of yet
    cdef dict leases
    cdef Progress progress
    cdef Sender sender
    cdef Receiver receiver
    cdef int fd
    cdef readonly list spans  # sent, in the order they run
    cdef readonly Run run  # whose they are
    cdef readonly bint leaving  # gets no more
    cdef bint broken, blocked, removed
    cdef readonly unsigned int next_slot  # counts the batches that it was sent
    cdef long long call  # whose record it has
    cdef bytes setup  # the initializer that has run there
    cdef Py_ssize_t told  # functions of that call that it has
    cdef set known  # digests of functions that it keeps pickled
    cdef int64_t front_ns  # since when the first span runs
    cdef int64_t quick_ns  # how long a batch took of late

    def __init__(self, process):
        self.process = process
        self.progress = process.progress
        self.fd = process.channel.fileno()
        self.sender = Sender(process.channel)
        self.receiver = Receiver(process.channel)
        self.exports = Exports()
        self.imports = Imports()
        self.leases = self.exports.leases
        self.own_words = self.imports.words
        self.words = []
        self.spans = []
        self.known = set()
        self.setup = b""
        self.quick_ns = 1000000000

    @property
    def descriptors(self):
        """Files that came along and belong to no message yet."""
        return self.receiver.descriptors

    @property
    def busy(self):
        return len(self.spans) != 0

    @property
    def front(self):
        """The span that runs."""
        return self.spans[0] if self.spans else None


cdef class Switchboard:
    """Workers and runs, and who gets what. size: how many workers are wanted. cores: those of the machine."""

    cdef readonly list links
    cdef readonly list runs
    cdef public int size
    cdef readonly int cores
    cdef readonly bint closed
    cdef readonly list broken  # links whose channel has ended
    cdef readonly list failed  # runs that an error has ended
    cdef readonly bint wants  # a worker more
    cdef dict by_fd
    cdef list idle
    cdef list heard  # (link, kind, payload) for `hear`
    cdef list finished  # completions with a listener that was not called yet
    cdef list trash  # let go of outside
    cdef object hear
    cdef bint busy, collecting
    cdef int channels, outer, bell, nudge, timer
    cdef int seat
    cdef object seated  # the completions that the caller in the seat waits for
    cdef int64_t left_ns
    cdef bint timed
    cdef int in_flight
    cdef Py_ssize_t turn

    def __cinit__(self, hear, int cores):
        self.cores = cores
        self.channels = self.outer = self.bell = self.nudge = self.timer = -1
        self.links, self.runs, self.broken, self.failed = [], [], [], []
        self.idle, self.heard, self.finished, self.trash = [], [], [], []
        self.by_fd = {}
        self.hear = hear
        self.channels = checked(epoll_create1(EPOLL_CLOEXEC))
        self.outer = checked(epoll_create1(EPOLL_CLOEXEC))
        self.bell = checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
        self.nudge = checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
        self.timer = checked(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC))
        watch(self.outer, EPOLL_CTL_ADD, self.bell, EPOLLIN)
        watch(self.outer, EPOLL_CTL_ADD, self.timer, EPOLLIN)
        watch(self.channels, EPOLL_CTL_ADD, self.nudge, EPOLLIN)

    def __dealloc__(self):
        self.close_files()

    def close(self):
        """Close the switchboard's own files. Whoever submits from now on is refused."""
        self.closed = True
        self.close_files()

    cdef void close_files(self):
        for fd in (self.channels, self.outer, self.bell, self.nudge, self.timer):
            if fd >= 0:
                close(fd)
        self.channels = self.outer = self.bell = self.nudge = self.timer = -1

    # -- one step at a time --------------------------------------------------------------------------------------

    cdef bint enter(self):
        """Begin a step; False where another thread is in one."""
        if self.busy:
            return False
        self.busy = True
        self.collecting = PyGC_Disable()
        return True

    cdef int enter_surely(self) except -1:
        """Begin a step as soon as the other thread has ended its own."""
        while not self.enter():
            with nogil:
                pause()
        return 0

    cdef int leave(self) except -1:
        if self.collecting:
            PyGC_Enable()
        self.busy = False
        return 0

    cdef int tidy(self) except -1:
        """After a step: run what is Python code, and let go of what may have finalizers."""
        if self.trash:
            self.trash = []
        while self.heard:
            link, kind, payload = self.heard.pop(0)
            self.hear(link, kind, payload)
        while self.finished:
            listener = self.finished.pop(0)
            listener()
        return 0

    # -- any thread ----------------------------------------------------------------------------------------------

    def ring(self):
        """Wake the pool's thread."""
        self.ring_bell()

    cdef void ring_bell(self) noexcept:
        cdef uint64_t one = 1
        if self.bell >= 0:
            write(self.bell, &one, 8)

    def admit(self, Run run not None):
        """A run begins: it gets workers of its own beside those of others, as long as there are cores for them."""
        cdef Run each
        cdef int together = 0
        self.runs.append(run)
        for each in self.runs:
            together += each.limit
        self.size = max(self.size, run.limit, min(together, self.cores))

    def retire(self, Run run not None):
        """A run has ended: what it has not sent never is."""
        run.closed = True
        if run in self.runs:
            self.runs.remove(run)
        self.drop_messages(run)
        self.trash = []

    def submit(self, Run run not None, batch, unsigned int count):
        """Send a batch of so many tasks, now or as soon as a worker is free. False where the switchboard is closed."""
        if self.closed:
            return False
        batch.spans = 1
        run.pending.append(new_span(batch, run, 0, count))
        if run.closed:
            self.trash.append(run.pending)
            run.pending = deque()
        elif self.enter():
            try:
                self.assign()
            finally:
                self.leave()
            self.provide()
        else:
            self.ring_bell()
        if run.completions.listener is not None:
            self.attend()
        elif self.seat == NOBODY and not self.timed and self.in_flight:
            self.start_lease(LEASE_NS)
        return True

    def attend(self):
        """Nobody will take the seat who waits for batches: the pool's thread has to."""
        if self.seat == NOBODY and not self.closed:
            self.seat = THREAD
            watch(self.outer, EPOLL_CTL_ADD, self.channels, EPOLLIN)

    def nudge_for(self, completions):
        """Something was put there from elsewhere: wake who waits for it in the seat."""
        cdef uint64_t one = 1
        if self.seated is completions and self.nudge >= 0:
            write(self.nudge, &one, 8)

    def serve(self, completions, deadline):
        """Read the channels until `completions` has an item, or something was said. False where another thread does, which will tell.

        deadline: monotonic seconds or None. Raises DeadlineExceeded.
        """
        cdef double due = NEVER if deadline is None else <double>deadline
        cdef epoll_event events[EVENTS]
        cdef int count
        cdef bint recheck
        cdef int timeout
        if self.seat == CALLER or self.closed:
            return False
        if self.seat == THREAD:
            watch(self.outer, EPOLL_CTL_DEL, self.channels, 0)
        self.seat = CALLER
        self.seated = completions
        try:
            while not completions.items and not completions.said:
                if self.closed:
                    return False
                recheck = self.rebalance() if self.idle else False
                timeout = wait_ms(due)
                if recheck and (timeout < 0 or timeout > RECHECK_MS):
                    timeout = RECHECK_MS
                with nogil:
                    count = epoll_wait(self.channels, events, EVENTS, timeout)
                if count < 0:
                    if errno != EINTR:
                        PyErr_SetFromErrno(OSError)
                    PyErr_CheckSignals()
                    continue
                if count:
                    self.handle(events, count)
                elif due != NEVER and now_ns() >= due * 1e9:
                    raise DeadlineExceeded("the deadline passed before a batch came back")
            return True
        finally:
            self.seated = None
            self.seat = NOBODY
            self.left_ns = now_ns()
            if self.in_flight and not self.timed and not self.closed:
                self.start_lease(LEASE_NS)

    # -- the pool's thread ---------------------------------------------------------------------------------------

    def watch(self, int fd):
        """Have poll() report a descriptor."""
        watch(self.outer, EPOLL_CTL_ADD, fd, EPOLLIN)

    def unwatch(self, int fd):
        watch(self.outer, EPOLL_CTL_DEL, fd, 0)

    def poll(self, double timeout_s):
        """Wait, until `timeout_s` at most, and do what is to be done; the descriptors of watch() that are ready."""
        cdef epoll_event events[EVENTS]
        cdef epoll_event ready[EVENTS]
        cdef int count, i, fd, there
        cdef uint64_t value
        cdef int timeout = -1 if timeout_s < 0 else <int>(timeout_s * 1000) + 1
        cdef list others = []
        if self.seat == THREAD and self.idle and self.rebalance() and (timeout < 0 or timeout > RECHECK_MS):
            timeout = RECHECK_MS
        with nogil:
            count = epoll_wait(self.outer, events, EVENTS, timeout)
        if count < 0 and errno != EINTR:
            PyErr_SetFromErrno(OSError)
        for i in range(count):
            fd = events[i].data.fd
            if fd == self.bell:
                read(fd, &value, 8)
            elif fd == self.timer:
                read(fd, &value, 8)
                self.end_lease()
            elif fd == self.channels:
                if self.seat == THREAD:
                    there = epoll_wait(self.channels, ready, EVENTS, 0)
                    self.handle(ready, there)
            else:
                others.append(fd)
        return others

    def adopt(self, process):
        """A new worker."""
        cdef Link link = Link(process)
        self.enter_surely()
        try:
            self.links.append(link)
            self.by_fd[link.fd] = link
            watch(self.channels, EPOLL_CTL_ADD, link.fd, EPOLLIN)
            self.idle.append(link)
            self.wants = False
            self.assign()
        finally:
            self.leave()
        self.provide()
        return link

    def assign_all(self):
        """Send what can be sent. After it, `wants` says whether a worker more is of use."""
        self.enter_surely()
        try:
            self.wants = False
            self.assign()
        finally:
            self.leave()
        self.provide()

    def cancel_spans(self, Run run, batch=None):
        """Nothing more of the run, or of this batch of it, begins: (link, span) of what runs now."""
        cdef Link link
        cdef Span span
        cdef list running = []
        for link in self.links:
            if link.run is run:
                for span in link.spans:
                    if batch is None or span.batch is batch:
                        link.progress.cancel(span.slot)
                        if span is link.spans[0]:
                            running.append((link, span))
        return running

    def has_begun(self, batch):
        """Whether a worker has begun the batch's first task, or has answered."""
        cdef Link link
        cdef Span span
        for link in self.links:
            for span in link.spans:
                if span.batch is batch and not span.dropped and not span.done:
                    return link.progress.begun(span.slot) > span.begin
        return True

    def withdraw(self, Run run not None, batch):
        """Whether nothing of the batch had begun. Then nothing will, and its worker's answer is for nobody."""
        cdef Link link
        cdef Span span
        cdef unsigned int end
        if batch.spans != 1:
            return False
        for span in run.pending:
            if span.batch is batch:
                run.pending.remove(span)
                return True
        for link in self.links:
            for span in link.spans:
                if span.batch is batch and not span.dropped and not span.done:
                    if link.progress.take_back(span.slot, 0, &end) == span.begin:
                        span.dropped = True
                        return True
        return False

    def remove(self, Link link not None, bint read_rest):
        """A worker has ended, or is to end: its spans that were not answered, with `begun` set."""
        cdef Span span
        cdef list messages
        if link.removed:
            return []
        self.enter_surely()
        try:
            if read_rest:  # where a send has found it broken, its last answers are there still
                self.read_rest(link)
            link.removed = True
            self.links.remove(link)
            self.by_fd.pop(link.fd, None)
            if not link.broken:
                self.leave_channel(link)
            if link in self.idle:
                self.idle.remove(link)
            if link in self.broken:
                self.broken.remove(link)
            spans = link.spans
            link.spans = []
            self.in_flight -= <int>len(spans)
            if link.run is not None:
                link.run.workers -= 1
                link.run = None
            for span in spans:
                span.begun = link.progress.begun(span.slot)
        finally:
            self.leave()
        self.tidy()
        return [span for span in spans if not span.dropped and not span.run.closed]

    def send_again(self, Span span not None):
        """A span whose worker has ended before it began."""
        span.done = 0
        span.run.pending.appendleft(new_span(span.batch, span.run, span.begin, span.end))

    def dismiss(self, Link link not None):
        """Have a worker leave when its last batch is back: it gets no more."""
        link.leaving = True
        if link in self.idle:
            self.idle.remove(link)
            self.broken.append(link)
            self.ring_bell()

    def take_pending(self, Run run not None):
        """The batches of a run that no worker has."""
        cdef Span span
        pending, run.pending = run.pending, deque()
        return [span.batch for span in pending]

    def take_failed(self):
        """Runs that an error has ended since the last time."""
        failed, self.failed = self.failed, []
        return failed

    def deliver(self, Run run not None, batch):
        """Give a batch back that ended here, with its error."""
        self.drop_others(run, batch)
        self.complete(run, batch)
        if run.fail_fast and not (run.outlives_workers and batch.death is not None):
            self.fail(run)
        self.tidy()

    # -- within a step -------------------------------------------------------------------------------------------

    cdef int provide(self) except -1:
        """After a step of any thread: have the pool's thread do what is its part."""
        if self.wants or self.broken or self.failed:
            self.ring_bell()
        return 0

    cdef int handle(self, epoll_event *events, int count) except -1:
        cdef int i, fd
        cdef uint64_t value
        cdef Link link
        self.enter_surely()
        try:
            for i in range(count):
                fd = events[i].data.fd
                if fd == self.nudge:
                    read(fd, &value, 8)
                    continue
                link = self.by_fd.get(fd)
                if link is None or link.broken:
                    continue
                try:
                    if events[i].events & EPOLLOUT and link.sender.flush():
                        link.blocked = False
                        watch(self.channels, EPOLL_CTL_MOD, fd, EPOLLIN)
                    if events[i].events & ~<uint32_t>EPOLLOUT:
                        self.read_link(link)
                except (EOFError, OSError):
                    self.break_link(link)
            self.assign()
        finally:
            self.leave()
        self.provide()
        self.tidy()
        return 0

    cdef int break_link(self, Link link) except -1:
        link.broken = True
        self.leave_channel(link)
        if link in self.idle:
            self.idle.remove(link)
        self.broken.append(link)
        return 0

    cdef int leave_channel(self, Link link) except -1:
        cdef epoll_event none
        epoll_ctl(self.channels, EPOLL_CTL_DEL, link.fd, &none)
        return 0

    cdef int read_rest(self, Link link) except -1:
        try:
            while link.receiver.read():
                self.take_messages(link)
        except (EOFError, OSError):
            pass
        return 0

    cdef int read_link(self, Link link) except -1:
        if link.receiver.read():
            self.take_messages(link)
        return 0

    cdef int take_messages(self, Link link) except -1:
        cdef list messages = []
        link.receiver.cut(messages)
        for message in messages:
            self.take_message(link, message)
        return 0

    cdef int take_message(self, Link link, list message) except -1:
        cdef ReplyHead reply
        cdef bytearray head = message[0]
        cdef Span span
        cdef Py_ssize_t at = 1
        cdef object detail = None
        memcpy(&reply, <char *>head, sizeof(ReplyHead))
        if reply.kind == WORD:
            self.take_word(link, message[1])
            return 0
        if reply.has_words:
            self.take_words(link, message[at])
            at += 1
        if reply.has_events:
            self.heard.append((link, "events", message[at]))
            at += 1
        if reply.has_detail:
            detail = message[at]
            at += 1
        if not link.spans:
            return 0
        span = link.spans[0]  # they are answered in the order they were sent
        arrival = self.arrive(link, message, at, reply.has_note)
        if not span.dropped and not span.run.closed:
            span.batch.worker = link.process.pid
            span.batch.replies.append((span.begin + span.done, reply.count, reply.how, detail, reply.singly, arrival))
        elif reply.has_note:
            self.trash.append(arrival)
        span.done += reply.count
        if reply.kind == REPLY:
            if reply.leaving:
                link.leaving = True
            self.end_front(link, reply.how, reply.seconds)
        return 0

    cdef Arrival arrive(self, Link link, list message, Py_ssize_t at, bint has_note):
        cdef Arrival arrival = Arrival.__new__(Arrival)
        if has_note:
            arrival.descriptors = take_descriptors(message[at], link.receiver.descriptors)
            arrival.note = message[at + 1]
            arrival.imports = link.imports
            at += 2
        arrival.parts = message[at:]
        return arrival

    cdef int take_words(self, Link link, bytearray packed) except -1:
        """Leases of ours that have ended. Letting go of their segments is Python code, for tidy()."""
        cdef int64_t word
        cdef Py_ssize_t i
        for i in range(len(packed) // 8):
            memcpy(&word, <char *>packed + 8 * i, 8)
            link.words.append(word)
        self.heard.append((link, "words", None))
        return 0

    cdef int take_word(self, Link link, object word) except -1:
        """What a worker says is for the call whose tasks it runs."""
        if link.run is not None and not link.run.closed:
            link.run.completions.said.append(word)
            self.wake(link.run.completions)
        return 0

    cdef int wake(self, object completions) except -1:
        completions.waiter.wake()
        if completions.listener is not None:
            self.finished.append(completions.listener)
        self.nudge_for(completions)
        return 0

    cdef int end_front(self, Link link, int how, double seconds) except -1:
        """The worker has ended its first span."""
        cdef Span span = link.spans.pop(0)
        cdef Run run = span.run
        cdef object batch = span.batch
        self.in_flight -= 1
        link.quick_ns = <int64_t>(seconds * 1e9)
        if link.spans:
            self.begin_front(link)
        else:
            run.workers -= 1
            link.run = None
            if link.leaving:
                self.broken.append(link)
            else:
                self.idle.append(link)
        if span.dropped or run.closed:
            self.trash.append(span)
            return 0
        batch.seconds += seconds
        batch.spans -= 1
        if how != DONE:
            self.drop_others(run, batch)
        if how != DONE or batch.spans == 0:
            self.complete(run, batch)
            if how != DONE and run.fail_fast:
                self.fail(run)
        return 0

    cdef int drop_others(self, Run run, object batch) except -1:
        """A batch comes back with an error: what other workers have of it is for nobody."""
        cdef Link link
        cdef Span span
        if batch.spans:
            for span in list(run.pending):
                if span.batch is batch:
                    run.pending.remove(span)
            for link in self.links:
                for span in link.spans:
                    if span.batch is batch:
                        span.dropped = True
                        link.progress.cancel(span.slot)
        return 0

    cdef int begin_front(self, Link link) except -1:
        cdef Span span = link.spans[0]
        link.front_ns = now_ns()
        if not span.batch.began:
            span.batch.began = link.front_ns / 1e9
        return 0

    cdef int complete(self, Run run, object batch) except -1:
        self.drop_message(batch)
        run.completions.items.append(batch)
        return self.wake(run.completions)

    cdef int fail(self, Run run) except -1:
        run.closed = True
        self.failed.append(run)
        self.cancel_spans(run)
        if run in self.runs:
            self.runs.remove(run)
        self.drop_messages(run)
        return 0

    cdef int drop_messages(self, Run run) except -1:
        """Nothing of the run is sent any more: who holds a batch of it holds no memory by it."""
        cdef Link link
        cdef Span span
        pending, run.pending = run.pending, deque()
        for span in pending:
            self.drop_message(span.batch)
        for link in self.links:
            if link.run is run:
                for span in link.spans:
                    self.drop_message(span.batch)
        self.trash.append(pending)
        return 0

    cdef int drop_message(self, object batch) except -1:
        self.trash.append((batch.message, batch.leases))
        batch.message = batch.leases = None
        return 0

    # -- who gets what -------------------------------------------------------------------------------------------

    cdef int assign(self) except -1:
        """Idle workers get spans, the runs taking turns; where there is one run, busy ones get their next, too."""
        cdef Run run
        cdef Link link
        cdef list runs = list(self.runs)  # they may change while bytes move
        cdef Py_ssize_t i, count = len(runs)
        if count == 1:
            run = runs[0]
            while run.pending:
                link = self.next_link(run)
                if link is None:
                    break
                self.dispatch(link, run.pending.popleft())
            return 0
        for i in range(count):
            if not self.idle:
                break
            self.turn += 1  # the next time another run is first
            run = runs[self.turn % count]
            while run.pending and run.workers < run.limit and self.idle:
                link = self.take_idle(run)
                if link is None:
                    break
                self.dispatch(link, run.pending.popleft())
        for run in runs:
            if run.pending and run.workers < run.limit and len(self.links) < self.size:
                self.wants = True
        return 0

    cdef Link take_idle(self, Run run):
        """An idle worker for the run, not idle any more. Where there is none that fits, one leaves for another."""
        cdef Link link
        if not self.idle:
            return None
        link = self.fitting_idle(run)
        if link is not None:
            self.idle.remove(link)
        elif len(self.links) >= self.size and not self.broken:
            self.dismiss(self.idle[0])
        return link

    cdef Link fitting_idle(self, Run run):
        """An idle worker, best one in which the run's initializer has run; one without an initializer takes any."""
        cdef Link link, fitting = None
        if not run.setup:
            return self.idle[len(self.idle) - 1] if self.idle else None
        for link in self.idle:
            if link.setup == run.setup or (not link.setup and fitting is None):
                fitting = link
        return fitting

    cdef Link next_link(self, Run run):
        """Where a run that is alone sends its next span: an idle worker, else the one with least to do."""
        cdef Link link, least = None
        cdef Py_ssize_t depth
        if run.workers < run.limit:
            link = self.take_idle(run)
            if link is not None:
                return link
            if len(self.links) < self.size or self.broken:  # one more comes, perhaps in place of one that leaves
                self.wants = True
                return None
        for link in self.links:
            if link.run is run and not link.broken and not link.blocked and not link.leaving:
                depth = DEPTH_QUICK if link.quick_ns < QUICK_NS else DEPTH
                if len(link.spans) < depth and (least is None or len(link.spans) < len(least.spans)):
                    least = link
        return least

    cdef int dispatch(self, Link link, Span span) except -1:
        cdef Run run = span.run
        cdef bint first = not link.spans
        cdef list parts
        link.next_slot = (link.next_slot + 1) % SLOTS
        span.slot = link.next_slot
        link.progress.offer(span.slot, span.begin, span.end)
        parts = self.compose(link, span)
        if first:
            run.workers += 1
            link.run = run
        link.spans.append(span)
        self.in_flight += 1
        if first:
            self.begin_front(link)
        try:
            if not link.sender.send(parts, self.lease(link, span.batch.leases)):
                link.blocked = True
                watch(self.channels, EPOLL_CTL_MOD, link.fd, EPOLLIN | EPOLLOUT)
        except OSError:  # it has ended; remove() finds the span not begun
            if not link.broken:
                self.break_link(link)
        return 0

    cdef list lease(self, Link link, dict leases):
        """The descriptors that go with a message. Its segments are leased to the worker, so they stay open."""
        if leases is None:
            return []
        link.leases.update(leases)
        return [segment.fd for segment in leases.values()]

    cdef list compose(self, Link link, Span span):
        """The message: head, the call's record, its functions that the worker has not, the pickled tasks."""
        cdef Run run = span.run
        cdef tuple message = span.batch.message
        cdef OrderHead order
        cdef list parts = [None]
        cdef Py_ssize_t number
        memset(&order, 0, sizeof(OrderHead))
        order.kind = BATCH
        order.slot = span.slot
        order.shape = message[0]
        order.function = message[1]
        order.call = run.id
        order.first = span.batch.first
        if link.call != run.id:
            link.call = run.id
            if run.setup:
                link.setup = run.setup
            link.told = 0
            order.has_record = True
            parts.append(run.record)
        if link.told < len(run.functions):
            if len(link.known) > KNOWN_MAX:
                link.known.clear()
                order.forget = True
            order.functions = <uint16_t>(len(run.functions) - link.told)
            for number in range(link.told, len(run.functions)):
                digest, blob = run.functions[number]
                parts.append(digest)
                parts.append(b"" if digest in link.known else blob)
                link.known.add(digest)
            link.told = len(run.functions)
        if span.batch.note is not None:
            order.has_note = True
            parts.append(span.batch.note)
        if link.own_words:
            order.has_words = True
            parts.append(self.pack_words(link.own_words))
        parts[0] = PyBytes_FromStringAndSize(<char *>&order, sizeof(OrderHead))
        parts += message[2]
        return parts

    cdef bytes pack_words(self, list words):
        cdef Py_ssize_t count = len(words), i
        cdef bytes packed = PyBytes_FromStringAndSize(NULL, 8 * count)
        cdef int64_t word
        for i in range(count):
            word = words[i]
            memcpy(<char *>packed + 8 * i, &word, 8)
        del words[:count]
        return packed

    cdef bint rebalance(self) except -1:
        """Give idle workers what others have not begun; whether it is worth looking again soon."""
        cdef Link link, taker
        cdef Span span
        cdef unsigned int middle, end
        cdef bint again = False
        if not self.enter():
            return True
        try:
            for link in list(self.links):
                if not self.idle:
                    return False
                if not link.spans or link.run.closed or link.run.workers >= link.run.limit:
                    continue
                span = link.spans[len(link.spans) - 1]
                if span.dropped or not (len(link.spans) > 1 or span.run.fail_fast):
                    continue
                taker = self.fitting_idle(span.run)
                if taker is None:
                    continue
                middle = self.share(link, span, &end, &again)
                if middle < end:
                    self.idle.remove(taker)
                    if middle == span.begin:  # nothing of it begins there: that worker's answer need not be waited for
                        span.dropped = True
                    else:
                        span.batch.spans += 1
                    self.dispatch(taker, new_span(span.batch, span.run, middle, end))
        finally:
            self.leave()
        return again

    cdef unsigned int share(self, Link link, Span span, unsigned int *end, bint *again) except? 0:
        """Take back what another worker should do of a span: from the number returned up to *end."""
        cdef unsigned int begun = link.progress.begun(span.slot), last = link.progress.end(span.slot)
        cdef int64_t passed
        end[0] = last
        if len(link.spans) > 1 and begun == span.begin:
            return link.progress.take_back(span.slot, 0, end)
        if last - begun < 2 or not span.run.fail_fast:
            return last
        passed = now_ns() - link.front_ns
        again[0] = True
        if passed * (last - begun) < STEAL_NS * max(1, begun - span.begin):
            return last
        return link.progress.take_back(span.slot, (last - begun + 1) // 2, end)

    # -- the lease -----------------------------------------------------------------------------------------------

    cdef int start_lease(self, int64_t ns) except -1:
        """Have the pool's thread look after the seat then."""
        cdef itimerspec due
        memset(&due, 0, sizeof(itimerspec))
        due.it_value.tv_nsec = ns
        self.timed = True
        timerfd_settime(self.timer, 0, &due, NULL)
        return 0

    cdef int end_lease(self) except -1:
        cdef int64_t passed = now_ns() - self.left_ns
        self.timed = False
        if self.seat == NOBODY and self.in_flight:
            if passed < LEASE_NS:
                self.start_lease(LEASE_NS - passed + 1)
            else:
                self.attend()
        return 0


cdef extern from *:
    """
    #include <sched.h>
    #define plait_pause() sched_yield()
    """
    int plait_pause() nogil

cdef void pause() noexcept nogil:
    plait_pause()


cdef int checked(int fd) except -1:
    if fd < 0:
        PyErr_SetFromErrno(OSError)
    return fd


cdef int watch(int epoll, int operation, int fd, uint32_t events) except -1:
    cdef epoll_event event
    event.events = events
    event.data.fd = fd
    if epoll_ctl(epoll, operation, fd, &event) < 0:
        PyErr_SetFromErrno(OSError)
    return 0


cdef int wait_ms(double due) except? -2:
    """How long until `due`, for epoll_wait."""
    cdef double left
    if due == NEVER:
        return -1
    left = due * 1000 - now_ns() / 1e6
    return 0 if left <= 0 else <int>min(left + 1, 1e9)
