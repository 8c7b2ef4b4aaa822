# cython: language_level=3, boundscheck=False, wraparound=False
"""Arenas: graphs ready to run. Dense numbers, inputs and readers in compressed rows, counts.

Numbers are a depth-first order from the outputs: inputs before their readers, each branch to its end before the next
begins. So 0, 1, 2, ... is an order to run the nodes in, it is the same for the same program, and a scheduler that prefers
small numbers holds few results. Nodes with equal keys (pure calls, named ones) are one.

An Execution is one run of an arena:

    node: missing inputs -> ready -> running -> done -> freed, once its last reader has run (outputs are kept)

It has no lock: each method is one step under the GIL but for the user's function, and a result's slot is emptied before the
result is let go of, so that a finalizer may do what it likes. Numbers are 32 bits wide; lowering is one step as well (nodes are
marked while it goes on), linear in nodes and edges, without recursion.

Cost: some 0.1 us a node to lower and 0.15 us to run, beside the user's function, and 40 bytes.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.list cimport PyList_GET_ITEM
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from plait.lazy import blame
from plait.trace import ring

cdef enum:
    MOST = 2147483647  # nodes and edges of an arena
    GATHERED = 16  # inputs of a call that are gathered on the stack
    SIGNALS_EVERY = 1024  # nodes between two looks for signals

cdef dict NONE = {}  # keywords of those calls that have none; nobody changes it
cdef unsigned long long lowered = 0
cdef unsigned long long runs = 0


cdef class Arena:
    """What some output nodes need."""

    def __cinit__(self, list outputs):
        self.nodes = []
        self.lower(outputs)
        self.unify()
        self.connect()

    def __dealloc__(self):
        PyMem_Free(self.first_input)
        PyMem_Free(self.input)
        PyMem_Free(self.first_reader)
        PyMem_Free(self.reader)
        PyMem_Free(self.wanted)

    def __len__(self):
        return self.count

    @property
    def outputs(self):
        """Numbers of the nodes that the arena was made for, in their order."""
        return [self.wanted[i] for i in range(self.outputs_count)]

    def inputs(self, Py_ssize_t number):
        """Numbers of a node's inputs, in the order of its arguments."""
        self.check(number)
        return tuple([self.input[i] for i in range(self.first_input[number], self.first_input[number + 1])])

    def readers(self, Py_ssize_t number):
        """Numbers of the nodes that a node is an input of, once for each time."""
        self.check(number)
        return tuple([self.reader[i] for i in range(self.first_reader[number], self.first_reader[number + 1])])

    def read_once(self):
        """For each node 1 where it has one reader and is no output, so that nobody else would miss its result; else 0."""
        cdef bytearray once = bytearray(self.count)
        cdef Py_ssize_t i
        for i in range(self.count):
            once[i] = 1 if self.first_reader[i + 1] - self.first_reader[i] == 1 else 0
        for i in range(self.outputs_count):
            once[self.wanted[i]] = 0
        return bytes(once)

    def check(self, Py_ssize_t number):
        if not 0 <= number < self.count:
            raise IndexError(f"number={number} is not of this graph; its nodes are 0 to {self.count - 1}")

    cdef int lower(self, list outputs) except -1:
        """Number the nodes, and note their inputs' numbers."""
        global lowered
        cdef Py_ssize_t capacity = 64
        cdef Py_ssize_t edges = 0
        cdef Py_ssize_t edges_capacity = 64
        cdef Py_ssize_t count
        cdef Py_ssize_t i
        cdef Node node
        cdef Node each
        cdef unsigned long long mark
        cdef list stack = []
        cdef list nodes = self.nodes
        cdef bint waiting
        lowered += 1
        mark = lowered
        self.outputs_count = len(outputs)
        self.wanted = <int32_t *>allocate(self.outputs_count)
        self.first_input = <int32_t *>allocate(capacity + 1)
        self.input = <int32_t *>allocate(edges_capacity)
        for output in outputs:
            stack.append(output)
            while stack:
                node = <Node>PyList_GET_ITEM(stack, len(stack) - 1)
                if node.mark == mark:
                    stack.pop()
                    continue
                count = PyTuple_GET_SIZE(node._inputs)
                waiting = False
                for i in range(count - 1, -1, -1):
                    each = <Node>PyTuple_GET_ITEM(node._inputs, i)
                    if each.mark != mark:
                        stack.append(each)
                        waiting = True
                if waiting:
                    continue
                stack.pop()
                if self.count == capacity:
                    capacity *= 2
                    self.first_input = enlarge(self.first_input, capacity + 1)
                if edges + count > edges_capacity:
                    edges_capacity = max(2 * edges_capacity, edges + count)
                    self.input = enlarge(self.input, edges_capacity)
                self.first_input[self.count] = <int32_t>edges
                for i in range(count):
                    self.input[edges + i] = (<Node>PyTuple_GET_ITEM(node._inputs, i)).number
                edges += count
                node.mark = mark
                node.number = <int>self.count
                nodes.append(node)
                self.count += 1
                if self.count >= MOST or edges >= MOST:
                    raise OverflowError(f"a graph of more than {MOST} nodes or edges; compute it in parts")
        self.first_input[self.count] = <int32_t>edges
        for i in range(self.outputs_count):
            self.wanted[i] = (<Node>PyList_GET_ITEM(outputs, i)).number
        return 0

    cdef int unify(self) except -1:
        """Make one of all nodes with the same key, and close the gaps."""
        cdef dict first = {}
        cdef list nodes
        cdef int32_t *numbers
        cdef Py_ssize_t i
        cdef Py_ssize_t j
        cdef Py_ssize_t kept = 0
        cdef Py_ssize_t edges = 0
        cdef Node node
        cdef bint repeated = False
        for i in range(self.count):
            node = <Node>PyList_GET_ITEM(self.nodes, i)
            if node.given_key is not None and first.setdefault(node.given_key, i) != i:
                repeated = True
        if not repeated:
            return 0
        numbers = allocate(self.count)
        nodes = []
        try:
            for i in range(self.count):
                node = <Node>PyList_GET_ITEM(self.nodes, i)
                j = i if node.given_key is None else first[node.given_key]
                if j != i:
                    numbers[i] = numbers[j]
                    continue
                numbers[i] = <int32_t>kept
                nodes.append(node)
                j = self.first_input[i]
                self.first_input[kept] = <int32_t>edges  # never behind where it is read
                while j < self.first_input[i + 1]:
                    self.input[edges] = numbers[self.input[j]]
                    edges += 1
                    j += 1
                kept += 1
            self.first_input[kept] = <int32_t>edges
            for i in range(self.outputs_count):
                self.wanted[i] = numbers[self.wanted[i]]
            self.nodes = nodes
            self.count = kept
        finally:
            PyMem_Free(numbers)
        return 0

    cdef int connect(self) except -1:
        """The readers of each node, from the inputs."""
        cdef Py_ssize_t i
        cdef Py_ssize_t j
        cdef int32_t each
        cdef int32_t *place = allocate(self.count + 1)
        try:
            self.first_reader = <int32_t *>PyMem_Calloc(self.count + 2, sizeof(int32_t))
            self.reader = allocate(self.first_input[self.count])
            if self.first_reader == NULL:
                raise MemoryError
            for j in range(self.first_input[self.count]):
                self.first_reader[self.input[j] + 1] += 1
            for i in range(self.count):
                self.first_reader[i + 1] += self.first_reader[i]
                place[i] = self.first_reader[i]
            for i in range(self.count):
                for j in range(self.first_input[i], self.first_input[i + 1]):
                    each = self.input[j]
                    self.reader[place[each]] = <int32_t>i
                    place[each] += 1
        finally:
            PyMem_Free(place)
        return 0


cdef int32_t *allocate(Py_ssize_t count) except NULL:
    cdef int32_t *place = <int32_t *>PyMem_Malloc(max(1, count) * sizeof(int32_t))
    if place == NULL:
        raise MemoryError
    return place


cdef int32_t *enlarge(int32_t *place, Py_ssize_t count) except NULL:
    cdef int32_t *larger = <int32_t *>PyMem_Realloc(place, count * sizeof(int32_t))
    if larger == NULL:
        raise MemoryError
    return larger


cdef class Execution:
    """The changing part of a run."""

    def __cinit__(self, Arena arena):
        global runs
        cdef Py_ssize_t i
        runs += 1
        self.id = runs
        self.arena = arena
        self.unfinished = arena.count
        self.tracing = ring.enabled
        self.results = [None] * arena.count
        self.missing = allocate(arena.count)
        self.readers = allocate(arena.count)
        self.heap = allocate(arena.count)
        for i in range(arena.count):
            self.missing[i] = arena.first_input[i + 1] - arena.first_input[i]
            self.readers[i] = arena.first_reader[i + 1] - arena.first_reader[i]
            if not self.missing[i]:  # in rising order, which is a heap
                self.heap[self.ready_count] = <int32_t>i
                self.ready_count += 1
        for i in range(arena.outputs_count):
            self.readers[arena.wanted[i]] += 1  # never freed

    def __dealloc__(self):
        PyMem_Free(self.missing)
        PyMem_Free(self.readers)
        PyMem_Free(self.heap)

    @property
    def ready(self):
        """How many nodes are ready that nobody has taken; none once the run has ended, or while the next has no room."""
        if self.ended or not self.ready_count or (self.memory is not None and not self.memory.admits(self.heap[0])):
            return 0
        return self.ready_count

    def take(self):
        """The ready node with the smallest number, now the caller's to run; -1 where none is, or none has room."""
        return self.next()

    def take_many(self, Py_ssize_t most):
        """Up to so many ready nodes, the smallest numbers first, now the caller's to run."""
        cdef list taken = []
        cdef int32_t number
        while len(taken) < most and not self.ended:
            number = self.next()
            if number < 0:
                break
            taken.append(number)
        return taken

    def call(self, Py_ssize_t number):
        """Run a node in this thread. Raises what its function raises, with a note that names the node."""
        self.arena.check(number)
        return self.run(number)

    cpdef Py_ssize_t finish(self, Py_ssize_t number, value) except -1:
        """A node gave `value`: how many nodes are ready now by that; results that nobody needs are let go."""
        self.arena.check(number)
        return self.settle(number, value)

    cpdef tuple task(self, Py_ssize_t number):
        """The node's function, arguments and keywords, given the results of its inputs."""
        cdef Node node
        cdef PyObject *stacked[GATHERED]
        cdef PyObject **values
        self.arena.check(number)
        self.begin(number)
        node = <Node>PyList_GET_ITEM(self.arena.nodes, number)
        values = self.gather(number, stacked, GATHERED)
        try:
            return node._function, node.filled_args(values), NONE if node._kwargs is None else node.filled_kwargs(values)
        finally:
            if values != stacked:
                PyMem_Free(values)

    def tasks(self, list numbers):
        """As task(), of some nodes."""
        return [self.task(number) for number in numbers]

    def finish_all(self, list numbers, list values):
        """As finish(), of some nodes: of as many as there are values."""
        cdef Py_ssize_t i
        for i in range(min(len(numbers), len(values))):
            self.finish(numbers[i], values[i])

    def run_all(self):
        """Run all nodes in this thread, in order."""
        cdef Py_ssize_t number
        for number in range(self.arena.count):
            if number % SIGNALS_EVERY == 0:
                PyErr_CheckSignals()
            if self.memory is not None:
                self.memory.take(number)
            self.settle(number, self.run(number))

    def work(self, Py_ssize_t number, crew, guard=None):
        """Run a node that was taken, and then whatever is ready, as a member of a crew of threads; whether all is done.

        Where some member sleeps, the crew must decide after each node who goes on, so this ends then. Raises what a
        node's function raises. Nothing is done for -1, which take() gives to those who came too late.
        guard: the Interruptible of this thread, whose exceptions reach the functions of nodes and nothing else.
        """
        if number >= 0:
            self.arena.check(number)
        while number >= 0 and not self.ended:
            self.settle(number, self.run(number, guard))
            if not self.unfinished:
                return True
            if self.ended or crew.sleepers:
                break
            number = self.next()
            if self.ready_count and not crew.settled:
                crew.recruit()
        return False

    def outputs(self):
        """The values of the arena's outputs, in their order."""
        return [self.results[self.arena.wanted[i]] for i in range(self.arena.outputs_count)]

    cdef int begin(self, Py_ssize_t number) except -1:
        """Tell those who want to know, before a node's inputs are looked at."""
        if self.observer is not None:
            self.observer.before(number)
        if self.memory is not None:
            self.memory.begin(number)
        return 0

    cdef PyObject **gather(self, Py_ssize_t number, PyObject **place, Py_ssize_t room) except NULL:
        """The results of a node's inputs, borrowed; in `place` or, where there is no room, in memory to be freed."""
        cdef Py_ssize_t first = self.arena.first_input[number]
        cdef Py_ssize_t count = self.arena.first_input[number + 1] - first
        cdef Py_ssize_t i
        if count > room:
            place = <PyObject **>PyMem_Malloc(count * sizeof(PyObject *))
            if place == NULL:
                raise MemoryError
        for i in range(count):
            place[i] = <PyObject *>PyList_GET_ITEM(self.results, self.arena.input[first + i])
        return place

    cdef object run(self, Py_ssize_t number, object guard=None):
        cdef Node node = <Node>PyList_GET_ITEM(self.arena.nodes, number)
        cdef PyObject *stacked[GATHERED]
        cdef PyObject **values
        self.begin(number)
        values = self.gather(number, stacked, GATHERED)
        begin_ns = ring.now_ns() if self.tracing else None
        try:
            return node.call(values) if guard is None else self.guarded(node, values, guard)
        except BaseException as error:
            blame.note(error, node, node.filled_args(values), {} if node._kwargs is None else node.filled_kwargs(values))
            raise
        finally:
            if values != stacked:
                PyMem_Free(values)
            if begin_ns is not None:
                blame.emit(node, self.id, begin_ns)

    cdef object guarded(self, Node node, PyObject **values, object guard):
        """Call a node's function where what interrupts this thread may reach it. No bytecode runs before and after it."""
        guard.enter()
        try:
            return node.call(values)
        finally:
            guard.leave()

    cdef Py_ssize_t settle(self, Py_ssize_t number, object value) except -1:
        cdef Arena arena = self.arena
        cdef Py_ssize_t i
        cdef int32_t each
        cdef Py_ssize_t woken = 0
        if self.observer is not None:
            self.observer.after(number, value)
        if self.readers[number]:
            self.results[number] = value
            if self.memory is not None:
                self.memory.holds(number, value)
        for i in range(arena.first_reader[number], arena.first_reader[number + 1]):
            each = arena.reader[i]
            self.missing[each] -= 1
            if not self.missing[each]:
                self.push(each)
                woken += 1
        for i in range(arena.first_input[number], arena.first_input[number + 1]):
            each = arena.input[i]
            self.readers[each] -= 1
            if not self.readers[each]:
                self.results[each] = None
                if self.memory is not None:
                    self.memory.freed(each)
        if self.memory is not None:  # which may write to disk, and others run meanwhile
            self.memory.settled(number)
        self.unfinished -= 1  # at last: whoever does the last one ends the run
        return woken

    cdef int32_t next(self) except -2:
        cdef int32_t number
        if not self.ready_count:
            return -1
        number = self.pop()
        if self.memory is not None and not self.memory.take(number):
            self.push(number)
            return -1
        return number

    cdef void push(self, int32_t number) noexcept:
        cdef int32_t *heap = self.heap
        cdef Py_ssize_t i = self.ready_count
        cdef Py_ssize_t parent
        self.ready_count += 1
        while i > 0:
            parent = (i - 1) >> 1
            if heap[parent] <= number:
                break
            heap[i] = heap[parent]
            i = parent
        heap[i] = number

    cdef int32_t pop(self) noexcept:
        cdef int32_t *heap = self.heap
        cdef int32_t top = heap[0]
        cdef int32_t moved
        cdef Py_ssize_t i = 0
        cdef Py_ssize_t child
        self.ready_count -= 1
        moved = heap[self.ready_count]
        while True:
            child = 2 * i + 1
            if child >= self.ready_count:
                break
            if child + 1 < self.ready_count and heap[child + 1] < heap[child]:
                child += 1
            if heap[child] >= moved:
                break
            heap[i] = heap[child]
            i = child
        heap[i] = moved
        return top
