# cython: language_level=3, boundscheck=False, wraparound=False
"""Normal forms: builtin values and containers reduced to nested tuples whose text says all about them.

The text of a list is that of ("list", (members...)), and so on; dicts are in the order of their keys' texts, sets in
that of their members'. It is dask's form, so that tokens of builtin values are dask's too. What is no builtin value goes
through `normalize_token`, and what that gives is settled: lists and tuples stay as they are, leaves are reduced in turn.

Everything that can hold other things gets a number when it is entered. What is met again while it is open stands as the
distance to it, which does not depend on where one began; so cycles end. A part that refers to nothing open outside of
itself is closed: objects have their digest remembered then. So time is linear in objects, as with pickle, and yet
equal parts count as equal whether they are one object or two; only inside a cycle is that told apart. The numbers are
those of Tarjan's algorithm for strongly connected components. A component that is entered a second time, at another
member, is walked again from there, as if for the first time; its members' digests count outside of it only.

One walk a greenlet, from the outermost container or object on; tokens that a handler takes are part of it. It
keeps what it has met alive until it ends, since it knows things by their id. It is entered in `walks` only when a handler
is called, so builtin containers alone cost no look-up.
"""

from plait.greenlet import getcurrent

try:
    from _md5 import md5  # a third of the time of hashlib's, which asks OpenSSL
except ImportError:
    from hashlib import md5 as checked_md5

    def md5(text):
        return checked_md5(text, usedforsecurity=False)

cdef extern from "Python.h":
    int Py_EnterRecursiveCall(const char *where) except *  # not 0 on error, 1 or -1 by version
    void Py_LeaveRecursiveCall()

cdef long long NOTHING = 1 << 60
cdef object ELLIPSIS = type(...)
cdef object normalize = None
cdef dict handlers = {}
cdef dict inherited = {}

walks = {}  # by greenlet: those in which a handler runs


cdef class Walk:
    """What one greenlet has open."""

    cdef long long number, low  # of what is innermost, and the smallest that it refers to
    cdef dict numbers  # id -> number
    cdef list entered  # by number: what is open, or belongs to something open
    cdef dict closed  # id -> digest and object
    cdef dict components  # id -> which cycle an object is part of, once that is closed
    cdef set inside  # the cycles that are walked again
    cdef object greenlet  # in which a handler runs, None before the first
    cdef int depth

    def __cinit__(self):
        self.number = self.low = NOTHING
        self.numbers = {}
        self.entered = []
        self.closed = {}
        self.components = {}
        self.inside = set()


cdef Walk begin():
    cdef Walk walk = walks.get(getcurrent()) if walks else None
    if walk is None:
        walk = Walk.__new__(Walk)
    walk.depth += 1
    return walk


cdef void end(Walk walk) noexcept:
    walk.depth -= 1
    if not walk.depth and walk.greenlet is not None:
        walks.pop(walk.greenlet, None)


cdef object met(Walk walk, object value):
    """What stands for a value that was met before; None for another one."""
    number = walk.numbers.get(id(value))
    if number is not None:
        walk.low = min(walk.low, number)
        return "__seen", walk.number - number
    found = walk.closed.get(id(value))
    return None if found is None or walk.components.get(id(value)) in walk.inside else found[0]


cdef object enter(Walk walk, object value):
    """Open a value; what to give to leave()."""
    component = walk.components.get(id(value)) if walk.components else None
    if component in walk.inside:
        component = None
    elif component is not None:
        walk.inside.add(component)
    outer = walk.number, walk.low, component
    walk.number, walk.low = len(walk.entered), NOTHING
    walk.numbers[id(value)] = walk.number
    walk.entered.append(value)
    return outer


cdef int leave(Walk walk, object value, object outer, str digest) except -1:
    """Close a value. digest: an object's, for the case that it is met again; None for what is looked into anew."""
    cdef long long number = walk.number, low = walk.low
    walk.number, walk.low, component = outer
    if component is not None:
        walk.inside.discard(component)
    if low < number:
        walk.low = min(walk.low, low)
        if digest is None:
            walk.numbers.pop(id(value), None)
        return 0
    members, component = walk.entered[number:], len(walk.closed)
    del walk.entered[number:]
    for each in members:
        walk.numbers.pop(id(each), None)
        if len(members) > 1:
            walk.components.setdefault(id(each), component)
            walk.closed.setdefault(id(each), (None, each))
    if digest is not None:
        walk.closed[id(value)] = digest, value
    return 0


cdef object contained(str name, object value, Walk walk):
    """The form of a builtin container."""
    found = met(walk, value)
    if found is not None:
        return found
    Py_EnterRecursiveCall(" in tokenize")
    outer = enter(walk, value)
    try:
        if isinstance(value, (list, tuple)):
            members = tuple([reduced(member, walk) for member in value])
        elif isinstance(value, dict):
            members = pairs(value, walk)
        else:
            members = tuple(sorted([reduced(member, walk) for member in value], key=order))
    finally:
        leave(walk, value, outer, None)
        Py_LeaveRecursiveCall()
    return name, members


cdef tuple pairs(dict value, Walk walk):
    """The items of a dict in the order of their keys' texts; values are not looked at for it."""
    cdef list keys = []
    cdef list items = []
    cdef bint plain = True
    for key in value:
        if type(key) is not str:
            plain = False
            break
    if plain:
        keys = sorted(value)
        return tuple([("tuple", (key, reduced(value[key], walk))) for key in keys])
    for key, item in value.items():
        form = reduced(key, walk)
        items.append((order(form), form, item))
    items.sort(key=by_first)
    return tuple([("tuple", (form, reduced(item, walk))) for _, form, item in items])


def order(form):
    """By text; equal texts of different types are told apart."""
    return str(form), type(form).__name__


def by_first(tuple item):
    return item[0]


cdef object reduced(object value, Walk walk):
    """The form of any value."""
    cdef type kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or value is None or kind is complex:
        return value
    if kind is tuple:
        return contained("tuple", value, walk)
    if kind is list:
        return contained("list", value, walk)
    if kind is dict:
        return contained("dict", value, walk)
    if kind is set or kind is frozenset:
        return contained(kind.__name__, value, walk)
    if kind is ELLIPSIS:
        return value
    if walk.greenlet is None:
        walk.greenlet = getcurrent()
        walks[walk.greenlet] = walk
    handler = handlers.get(kind) or inherited.get(kind)
    form = normalize(value) if handler is None else handler(value)
    return form if form is value else settled(form, walk)


cdef object settled(object form, Walk walk):
    """A form whose leaves are reduced."""
    cdef type kind = type(form)
    if kind is str:
        return form
    if kind is not tuple and kind is not list:
        return reduced(form, walk)
    Py_EnterRecursiveCall(" in tokenize")
    try:
        parts = [settled(part, walk) for part in form]
    finally:
        Py_LeaveRecursiveCall()
    return tuple(parts) if kind is tuple else parts


def visit(value, parts):
    """The form of an object: the digest of what parts(value) gives, or where it was met before."""
    cdef Walk walk = begin()
    cdef str digest = None
    try:
        found = met(walk, value)
        if found is not None:
            return found
        Py_EnterRecursiveCall(" in tokenize")
        outer = enter(walk, value)
        try:
            digest = digest_of(settled(parts(value), walk))
        finally:
            leave(walk, value, outer, digest)  # without a digest where it failed: nothing is remembered of it
            Py_LeaveRecursiveCall()
        return digest
    finally:
        end(walk)


def container(value):
    """The form of a builtin container, or of an object of a subclass as if it were one."""
    cdef Walk walk = begin()
    try:
        kind = next(each for each in (list, tuple, dict, frozenset, set) if isinstance(value, each))
        return contained(kind.__name__, value, walk)
    finally:
        end(walk)


def token(tuple args, dict kwargs):
    """The token of some values together."""
    cdef Walk walk = begin()
    try:
        form = tuple([reduced(each, walk) for each in args])
        if kwargs:
            form = form, tuple([("tuple", (name, reduced(kwargs[name], walk))) for name in sorted(kwargs)])
    finally:
        end(walk)
    return digest_of(form)


cdef str digest_of(object form):
    return md5(str(form).encode()).hexdigest()


def register(dispatch):
    """Have `dispatch` asked for the forms of what is no builtin value; its tables are looked into first."""
    global normalize, handlers, inherited
    normalize, handlers, inherited = dispatch, dispatch._lookup, dispatch._inherited
