# cython: language_level=3
"""Greenlet-local attributes: see `plait.green.local`."""

import gc
import weakref

from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject, PyObject_GenericGetAttr, PyObject_GenericSetAttr

from plait.green._native.core cimport getcurrent, greenlet, layer

cdef extern from *:
    """
    static PyObject *type_attribute(PyTypeObject *type, PyObject *name) { return _PyType_Lookup(type, name); }
    static int delete_attribute(PyObject *object, PyObject *name) { return PyObject_GenericSetAttr(object, name, NULL); }
    static int is_data_descriptor(PyObject *found) { return found != NULL && Py_TYPE(found)->tp_descr_set != NULL; }
    """
    PyObject *type_attribute(type kind, object name)
    int delete_attribute(object item, object name) except -1
    bint is_data_descriptor(PyObject *found)

cdef object object_init = object.__init__


cdef class Store:
    """The dictionaries of one local, by the identity of their greenlets; an entry goes when its greenlet does."""

    cdef dict values  # id of a greenlet -> its dictionary
    cdef dict references  # id of a greenlet -> a weak reference to it, which tells of its end
    cdef PyObject *latest  # the greenlet that asked last, and what it got; NULL once it may be gone
    cdef dict latest_values

    def __cinit__(self):
        self.values = {}
        self.references = {}

    cdef dict find(self):
        """The current greenlet's dictionary, None where it has none yet."""
        cdef PyObject *runner = layer.current()
        if runner == self.latest:
            return self.latest_values
        cdef PyObject *found = PyDict_GetItemWithError(self.values, <Py_ssize_t>runner)
        if found == NULL:
            return None
        self.latest = runner
        self.latest_values = <dict>found
        return self.latest_values

    cdef dict add(self):
        cdef greenlet runner = getcurrent()
        cdef object key = <Py_ssize_t><void *>runner
        cdef dict values = {}
        self.references[key] = weakref.ref(runner, Forget(self, key))
        self.values[key] = values
        return values


cdef class Forget:
    """What the end of a greenlet calls."""

    cdef Store store
    cdef object key

    def __cinit__(self, Store store, key):
        self.store = store
        self.key = key

    def __call__(self, reference):
        cdef Store store = self.store
        store.latest = NULL
        store.latest_values = None
        store.references.pop(self.key, None)
        store.values.pop(self.key, None)


cdef class local:
    """Subclass it, or store any attribute on it; no other greenlet sees it."""

    cdef object __weakref__
    cdef Store store
    cdef tuple args
    cdef dict kwargs

    def __cinit__(self, *args, **kwargs):
        if (args or kwargs) and type(self).__init__ is object_init:
            raise TypeError(
                f"Initialization arguments are not supported: {type(self).__name__} has no __init__ that would take "
                f"{args!r} {kwargs!r}"
            )
        self.args = args
        self.kwargs = kwargs
        self.store = Store()
        self.store.add()  # __init__ is called by who makes it

    def __dealloc__(self):
        if self.store is not None:  # the ends of greenlets need not be heard of any more
            self.store.references = None
            self.store.values = None

    cdef dict own(self):
        """The current greenlet's dictionary."""
        cdef dict values = self.store.find()
        if values is None:
            values = self.store.add()
            kind = type(self)
            if kind.__init__ is not object_init:
                kind.__init__(self, *self.args, **self.kwargs)
        return values

    def __getattribute__(self, name):
        cdef dict values = self.own()
        cdef PyObject *found
        if name == "__dict__":
            return values
        found = PyDict_GetItemWithError(values, name)
        if found == NULL or is_data_descriptor(type_attribute(type(self), name)):
            return PyObject_GenericGetAttr(self, name)
        return <object>found

    def __setattr__(self, name, value):
        if name == "__dict__":
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        cdef dict values = self.own()
        if is_data_descriptor(type_attribute(type(self), name)):
            PyObject_GenericSetAttr(self, name, value)
        else:
            values[name] = value

    def __delattr__(self, name):
        if name == "__dict__":
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        cdef dict values = self.own()
        if is_data_descriptor(type_attribute(type(self), name)):
            delete_attribute(self, name)
            return
        try:
            del values[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __dir__(self):
        return sorted({*dir(type(self)), *self.own()})

    def __copy__(self):
        cdef local copied = type(self)(*self.args, **self.kwargs)
        copied.own().update(self.own())
        return copied


def all_local_dicts_for_greenlet(greenlet runner):
    """What the greenlet has stored in all such objects: ((class, id) of the object, its dictionary). Slow: for reports."""
    cdef object key = <Py_ssize_t><void *>runner
    cdef dict values
    found = []
    for item in gc.get_objects():
        if issubclass(type(item), local):
            values = (<local>item).store.values.get(key)
            if values is not None:
                found.append(((type(item), id(item)), values))
    return found
