# cython: language_level=3, boundscheck=False, wraparound=False
"""Lazy nodes: one call each, with the nodes that its arguments hold.

A node keeps its function, its arguments as templates, and its inputs: the nodes among the arguments, at any depth, each
occurrence in the order of a scan. A template is the argument itself; containers that hold nodes (lists, tuples, sets,
dicts, slices) become a `Nested`, all others are passed on as they are. To call the node, the same scan runs again and
puts the k-th value where the k-th node stood, so nothing else is kept about the places.

A node is immutable and knows its inputs, not its readers: a graph is freed with its last handle, row by row, and building
is linear however deep it gets. Keys are made when somebody asks. `_id` counts nodes in the order in which they were made.

Cost: some 0.3 us and 150 bytes a call of plain arguments. Rejected: rows of shared segments, which a dropped handle leaves
behind until its neighbours go; a table of holes beside the arguments, an object more each.
"""

from cpython.list cimport PyList_GET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM

from plait.lazy import records
from plait.lazy.config import config
from plait.lazy.keys import key_of, pure_key

cdef extern from "Python.h":
    object PyObject_Call(object function, object args, PyObject *kwargs)
    int Py_EnterRecursiveCall(const char *where) except *  # not 0 on error, 1 or -1 by version
    void Py_LeaveRecursiveCall()
    PyObject *_PyType_Lookup(type kind, str name)  # borrowed
    PyObject **PySequence_Fast_ITEMS(object sequence)
    object PyObject_Vectorcall(object function, PyObject **args, size_t count, PyObject *names)

cdef extern from *:
    """
    static inline PyObject *plait_new_node(PyTypeObject *type, PyObject *empty) { return type->tp_new(type, empty, NULL); }
    """
    object plait_new_node(type kind, tuple empty)

cdef enum:
    ORDINARY, FUNCTION, ATTRIBUTE
    STACKED = 8  # arguments of a call that are laid out on the stack

cdef unsigned long long made = 0
cdef tuple NOTHING = ()
cdef int annotating = 0  # blocks of annotate() that are open
cdef object annotations_here = None
cdef dict settings = config  # what pure=None means is one of them
cdef type LIST_ITERATOR = type(iter([]))
cdef type TUPLE_ITERATOR = type(iter(()))
cdef type SET_ITERATOR = type(iter(set()))
cdef type delayed_class = None
cdef type function_class = None
cdef object identity = None
cdef object call_value = None
cdef object method_class = None
cdef object collection_node = None


cdef class Nested:
    """A container with nodes somewhere inside; `build` makes it from its members."""

    def __reduce__(self):
        return _nested, (self.build, self.members)

    def __dask_tokenize__(self):
        return getattr(self.build, "__name__", self.build), self.members


def _nested(build, list members):
    cdef Nested template = Nested.__new__(Nested)
    template.build = build
    template.members = members
    return template


cdef class Node:
    """A call that is yet to be made. Written once, when it is made."""

    def __call__(self, *args, pure=None, dask_key_name=None, **kwargs):
        """A new node, that calls this node's value."""
        if self.kind == FUNCTION:
            return make(self._args[0], args, kwargs, self._pure if pure is None else pure, self._nout, dask_key_name)
        if self.kind == ATTRIBUTE:
            return make(method_class(self._args[1]), (self._args[0], *args), kwargs, pure, None, dask_key_name)
        return make(call_value, (self, *args), kwargs, pure, None, dask_key_name)

    def __hash__(self):
        return self._id

    @property
    def key(self):
        """The node's name in a graph, unique unless its call is pure or it was named."""
        if self.given_key is None:
            self.given_key = key_of(self)
        return self.given_key

    @property
    def _key(self):
        return self.key

    def _filled(self, list values):
        """The arguments and keywords of the node's call, given one value for each of its inputs."""
        cdef PyObject **slots = PySequence_Fast_ITEMS(values)
        if len(values) != len(self._inputs):
            raise ValueError(f"{len(values)} values for {len(self._inputs)} inputs; pass one for each")
        return self.filled_args(slots), {} if self._kwargs is None else self.filled_kwargs(slots)

    cdef object call(self, PyObject **values):
        """The value of the node's call, given those of its inputs."""
        cdef Py_ssize_t count
        cdef Py_ssize_t i
        cdef Py_ssize_t taken
        cdef PyObject *stacked[STACKED]
        cdef PyObject *argument
        if not self._inputs:
            return PyObject_Call(self._function, self._args, NULL if self._kwargs is None else <PyObject *>self._kwargs)
        count = PyTuple_GET_SIZE(self._args)
        if self.nested or self._kwargs is not None or count > STACKED:
            args = self.filled_args(values)
            kwargs = None if self._kwargs is None else self.filled_kwargs(values)
            return PyObject_Call(self._function, args, NULL if kwargs is None else <PyObject *>kwargs)
        taken = 0
        for i in range(count):
            argument = <PyObject *>PyTuple_GET_ITEM(self._args, i)
            if isinstance(<object>argument, Node):
                argument = values[taken]
                taken += 1
            stacked[i] = argument
        # The values are kept by their slots until this node has ended.
        return PyObject_Vectorcall(self._function, stacked, count, NULL)

    cdef tuple filled_args(self, PyObject **values):
        cdef Py_ssize_t taken = 0
        cdef Py_ssize_t i
        cdef Py_ssize_t count = PyTuple_GET_SIZE(self._args)
        cdef tuple args
        if not self._inputs:
            return self._args
        args = PyTuple_New(count)
        for i in range(count):
            value = fill(<object>PyTuple_GET_ITEM(self._args, i), values, &taken)
            Py_INCREF(value)
            PyTuple_SET_ITEM(args, i, value)
        return args

    cdef dict filled_kwargs(self, PyObject **values):
        cdef Py_ssize_t taken = holes(self._args)
        return {name: fill(value, values, &taken) for name, value in self._kwargs.items()}


def register(delayed, function, calls_value, method, gives_value, collection):
    """What nodes are made of: the classes of nodes and of those that have a function as their value, the function that
    calls a value, the class of a method's call, the function that gives its argument, and what makes a node of another
    library's collection.
    """
    global delayed_class, function_class, call_value, method_class, identity, collection_node
    delayed_class, function_class = <type>delayed, <type>function  # their class is one of their own
    call_value, method_class = calls_value, method
    identity, collection_node = gives_value, collection


def leaf(value, key=None, pure=None, nout=None, bint traverse=False):
    """A node that has a value. traverse: look for nodes inside it."""
    return make_as(function_class if callable(value) else delayed_class, identity, (value,), None, pure, nout, key, traverse)


def make(function, tuple args, dict kwargs, pure, nout, key):
    """A new node that calls function(*args, **kwargs); nodes among these, at any depth, become its inputs.

    nout: how many results the call has, None where that is not known. key: the node's name; None for one of its own, or
    where `pure` is true for one that equal calls share. Raises ValueError for a nout that is no number.
    """
    cdef Node node = <Node>plait_new_node(delayed_class, NOTHING)
    write(node, function, args, kwargs, pure, nout, key, True)
    return node


def make_as(kind, function, tuple args, dict kwargs, pure, nout, key, bint traverse=True):
    """As make(), of class `kind`. traverse: look for nodes among the arguments."""
    cdef Node node = <Node>plait_new_node(<type>kind, NOTHING)
    write(node, function, args, kwargs, pure, nout, key, traverse)
    node.kind = kind._kind
    return node


cdef int write(Node node, function, tuple args, dict kwargs, pure, nout, key, bint traverse) except -1:
    cdef list inputs = None
    cdef Py_ssize_t i
    cdef Py_ssize_t count = PyTuple_GET_SIZE(args)
    cdef bint changed = False
    cdef list scanned
    if nout is not None and (not isinstance(nout, int) or isinstance(nout, bool) or nout < 0):
        raise ValueError(f"nout={nout!r} is not a number of results; pass a non-negative integer, or None")
    if not kwargs:
        kwargs = None
    number(node, function, args, kwargs, pure, nout, key)
    node._inputs = NOTHING
    if pure is None:
        pure = settings.get("delayed_pure")
    if not traverse or (kwargs is None and all_plain(args)):
        if key is None and pure:
            node.given_key = pure_key(node)
        return 0
    inputs = []
    scanned = None
    for i in range(count):
        item = <object>PyTuple_GET_ITEM(args, i)
        template = scan(item, inputs)
        if template is not item:
            if not changed:
                scanned = list(args)
                changed = True
            scanned[i] = template
    if changed:
        node._args = tuple(scanned)
        node.nested = True
    if kwargs is not None:
        node._kwargs = {name: scan(value, inputs) for name, value in kwargs.items()}
    if len(inputs) == count and not changed and kwargs is None:
        node._inputs = args  # all of them are nodes
    elif inputs:
        node._inputs = tuple(inputs)
    if key is None and pure:
        node.given_key = pure_key(node)
    return 0


cdef int number(Node node, function, tuple args, dict kwargs, pure, nout, key) except -1:
    global made
    made += 1
    node._id = made
    node._function = function
    node._args = args
    node._kwargs = kwargs
    node._pure = pure
    node._nout = nout
    node.given_key = key
    if annotating:
        node._annotations = annotations_here()
    return 0


def annotate_nodes(int blocks, current):
    """So many more blocks are open in which nodes are annotated with what current() gives."""
    global annotating, annotations_here
    annotating += blocks
    annotations_here = current


cdef inline bint is_plain(object item):
    cdef type kind = type(item)
    return (kind is int or kind is float or kind is str or kind is bytes or kind is bool or item is None)


cdef bint all_plain(tuple args):
    cdef Py_ssize_t i
    for i in range(PyTuple_GET_SIZE(args)):
        if not is_plain(<object>PyTuple_GET_ITEM(args, i)):
            return False
    return True


cdef inline bint is_lazy(object item):
    return isinstance(item, Node) or _PyType_Lookup(type(item), "__dask_graph__") != NULL


cdef object scan(object item, list inputs):
    """`item` itself, or a template of it; the nodes in it are appended to `inputs`."""
    cdef type kind
    if isinstance(item, Node):
        inputs.append(item)
        return item
    kind = type(item)
    if kind is list or kind is tuple or kind is dict or kind is set or kind is frozenset or kind is slice:
        Py_EnterRecursiveCall(b" while looking for lazy nodes")
        try:
            return scan_container(item, kind, inputs)
        finally:
            Py_LeaveRecursiveCall()
    if _PyType_Lookup(kind, "__dask_graph__") != NULL:
        node = collection_node(item)
        if node is not None:
            inputs.append(node)
            return node
    elif _PyType_Lookup(kind, "__dataclass_fields__") != NULL or _PyType_Lookup(kind, "_fields") != NULL:
        return scan_record(item, inputs)
    elif kind is LIST_ITERATOR or kind is TUPLE_ITERATOR or kind is SET_ITERATOR:
        return scan(list(item), inputs)
    elif issubclass(kind, dict) and kind.__name__ == "OrderedDict":
        return scan_record(item, inputs)
    return item


cdef object scan_record(object item, list inputs):
    """As scan(), for a container that `records` knows how to make."""
    cdef Py_ssize_t before = len(inputs)
    cdef Nested template
    cdef list members
    parts = records.parts_of(item)
    if parts is None:
        return item
    Py_EnterRecursiveCall(b" while looking for lazy nodes")
    try:
        members = [scan(part, inputs) for part in parts]
    finally:
        Py_LeaveRecursiveCall()
    if len(inputs) == before:
        return item
    template = Nested.__new__(Nested)
    template.build = records.builder_of(item)
    template.members = members
    return template


cdef object scan_container(object item, type kind, list inputs):
    cdef Py_ssize_t before = len(inputs)
    cdef list parts
    cdef list members
    cdef Py_ssize_t i
    cdef bint changed = False
    cdef Nested template
    if kind is list:
        parts = <list>item
    elif kind is dict:
        parts = [*(<dict>item).keys(), *(<dict>item).values()]
    elif kind is slice:
        parts = [item.start, item.stop, item.step]
    else:
        parts = list(item)
    members = None
    for i in range(len(parts)):
        part = <object>PyList_GET_ITEM(parts, i)
        if is_plain(part):
            if members is not None:
                members.append(part)
            continue
        new = scan(part, inputs)
        if members is None and (new is not part or isinstance(part, Node)):
            members = parts[:i]
        if members is not None:
            members.append(new)
    if members is None:
        return item
    template = Nested.__new__(Nested)
    template.build = build_dict if kind is dict else build_slice if kind is slice else kind
    template.members = members
    return template


cdef object fill(object template, PyObject **values, Py_ssize_t *taken):
    """What a template stands for, from the values of the nodes in it, of which `taken` are used so far."""
    cdef list members
    cdef Nested nested
    if isinstance(template, Node):
        taken[0] += 1
        return <object>values[taken[0] - 1]
    if type(template) is not Nested:
        return template
    nested = <Nested>template
    members = [fill(member, values, taken) for member in nested.members]
    return members if nested.build is list else nested.build(members)


cdef Py_ssize_t holes(tuple args) except -1:
    """How many nodes occur in some templates."""
    cdef Py_ssize_t count = 0
    for template in args:
        count += holes_in(template)
    return count


cdef Py_ssize_t holes_in(object template) except -1:
    cdef Py_ssize_t count = 0
    if isinstance(template, Node):
        return 1
    if type(template) is Nested:
        for member in (<Nested>template).members:
            count += holes_in(member)
    return count


def build_dict(list members):
    cdef Py_ssize_t half = len(members) // 2
    return dict(zip(members[:half], members[half:]))


def build_slice(list members):
    return slice(*members)


cdef class Template:
    """Values with nodes anywhere inside, as compute() and persist() take them: scanned once, filled when there are values."""

    cdef list templates
    cdef readonly list nodes

    def __init__(self, items, bint traverse=True):
        self.nodes = []
        self.templates = [scan(item, self.nodes) if traverse or is_lazy(item) else item for item in items]

    def fill(self, list values):
        """The items, with values[k] in the place of nodes[k]."""
        cdef Py_ssize_t taken = 0
        cdef PyObject **slots = PySequence_Fast_ITEMS(values)
        return tuple([fill(template, slots, &taken) for template in self.templates])
