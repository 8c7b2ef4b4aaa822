/* The Python type: what a greenlet looks like from Python, and how it is created, traversed and dropped. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

PyObject *gl_Error, *gl_Exit;

/* A greenlet whose thread has ended can never run again; the first who looks gives its stack back. */
static bool
is_dead(gl_coro *coro)
{
    if (gl_thread_ended(coro)) {
        gl_abandon(coro);
        return true;
    }
    return coro->state == GL_DEAD;
}

/* Creation ------------------------------------------------------------------------------------------------- */

/* Dead objects of exactly our type wait here for the next creation, each with its structure. */
#define FREE_OBJECTS_KEPT 256
static PyGreenlet *free_objects[FREE_OBJECTS_KEPT];
static int free_object_count;

static PyGreenlet *
allocate(PyTypeObject *type)
{
    if (LIKELY(type == &PyGreenlet_Type && free_object_count > 0)) {
        PyGreenlet *self = free_objects[--free_object_count];
        _Py_NewReference((PyObject *)self);
        PyObject_GC_Track((PyObject *)self);
        return self;
    }
    gl_coro *coro = gl_allocation_fails() ? NULL : PyMem_Malloc(sizeof *coro);
    if (coro == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    coro->thread = NULL; /* what the collector may look at while tp_alloc has it run */
    coro->state = GL_NEW;
    coro->run = NULL;
    coro->parent = NULL;
    coro->ts.context = coro->ts.exc_state.exc_value = NULL;
    PyGreenlet *self = (PyGreenlet *)type->tp_alloc(type, 0);
    if (self == NULL) {
        PyMem_Free(coro);
        return NULL;
    }
    self->pimpl = coro;
    return self;
}

static void
deallocate(PyGreenlet *self)
{
    if (Py_TYPE((PyObject *)self) == &PyGreenlet_Type && free_object_count < FREE_OBJECTS_KEPT) {
        free_objects[free_object_count++] = self;
        return;
    }
    PyMem_Free(self->pimpl);
    self->pimpl = NULL;
    Py_TYPE((PyObject *)self)->tp_free((PyObject *)self);
}

static PyGreenlet *
new_object(PyTypeObject *type)
{
    PyGreenlet *self = allocate(type);
    if (self == NULL) {
        return NULL;
    }
    gl_coro *coro = self->pimpl;
    coro->self = self;
    coro->state = GL_NEW;
    coro->thread = NULL;
    coro->slot = NULL;
    coro->image.bytes = NULL;
    coro->ts.eh = (gl_eh_globals){NULL, 0}; /* parked before any C++ runtime was found: it handles nothing */
    return self;
}

PyGreenlet *
gl_new_main(gl_thread *thread)
{
    PyGreenlet *self = new_object(&PyGreenlet_Type);
    if (self != NULL) {
        self->pimpl->state = GL_RUNNING;
        self->pimpl->thread = thread;
        thread->references++;
    }
    return self;
}

static PyObject *
green_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    gl_thread *thread = gl_thread_get();
    if (thread == NULL) {
        return NULL;
    }
    if (UNLIKELY(type->tp_flags & Py_TPFLAGS_IS_ABSTRACT)) {
        PyObject *nothing = PyTuple_New(0);
        PyObject *never = nothing != NULL ? PyBaseObject_Type.tp_new(type, nothing, NULL) : NULL; /* says why not */
        Py_XDECREF(nothing);
        return never;
    }
    PyGreenlet *self = new_object(type);
    if (self != NULL) {
        self->pimpl->parent = (PyGreenlet *)Py_NewRef((PyObject *)thread->current->self);
    }
    return (PyObject *)self;
}

static int
set_run(PyGreenlet *self, PyObject *run)
{
    gl_coro *coro = self->pimpl;
    if (gl_is_main(coro)) {
        PyErr_SetString(PyExc_AttributeError, "Main greenlets do not have a run attribute.");
        return -1;
    }
    if (gl_is_started(coro)) {
        PyErr_SetString(PyExc_AttributeError, "run cannot be set after the start of the greenlet");
        return -1;
    }
    Py_XINCREF(run);
    Py_XSETREF(coro->run, run);
    return 0;
}

/* The thread of a parent's lineage; NULL with ValueError where `self` is in it, or where it leads nowhere. */
static gl_thread *
thread_of_new_parent(PyGreenlet *self, PyGreenlet *parent)
{
    gl_thread *thread = NULL;
    for (PyGreenlet *p = parent; p != NULL; p = p->pimpl->parent) {
        if (p == self) {
            PyErr_SetString(PyExc_ValueError, "cyclic parent chain");
            return NULL;
        }
        thread = p->pimpl->thread;
    }
    if (thread == NULL) {
        PyErr_SetString(PyExc_ValueError, "parent must not be garbage collected");
        return NULL;
    }
    return thread;
}

int
gl_set_parent(PyGreenlet *self, PyObject *parent)
{
    gl_coro *coro = self->pimpl;
    if (parent == NULL) {
        PyErr_SetString(PyExc_AttributeError, "can't delete attribute");
        return -1;
    }
    if (gl_is_main(coro)) {
        PyErr_SetString(PyExc_AttributeError, "cannot set the parent of a main greenlet");
        return -1;
    }
    if (!PyGreenlet_Check(parent)) {
        PyErr_Format(PyExc_TypeError, "GreenletChecker: Expected any type of greenlet, not %s", Py_TYPE(parent)->tp_name);
        return -1;
    }
    gl_thread *thread = thread_of_new_parent(self, (PyGreenlet *)parent);
    if (thread == NULL) {
        return -1;
    }
    if (gl_is_started(coro) && coro->thread != thread) {
        PyErr_SetString(PyExc_ValueError, "parent cannot be on a different thread");
        return -1;
    }
    Py_INCREF(parent);
    Py_XSETREF(coro->parent, (PyGreenlet *)parent);
    return 0;
}

static int
green_init(PyGreenlet *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"run", "parent", NULL};
    PyObject *run = NULL, *parent = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:green", names, &run, &parent)) {
        return -1;
    }
    if (run != NULL && set_run(self, run) < 0) {
        return -1;
    }
    return parent != NULL && parent != Py_None ? gl_set_parent(self, parent) : 0;
}

/* What calling the type itself does, without a tuple for its arguments. */
static PyObject *
green_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (type != (PyObject *)&PyGreenlet_Type || names != NULL || count > 2) {
        PyObject *tuple = PyTuple_New(count), *result = NULL, *kwargs = NULL;
        if (tuple == NULL) {
            return NULL;
        }
        for (Py_ssize_t i = 0; i < count; i++) {
            PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
        }
        if (names == NULL || (kwargs = PyDict_New()) != NULL) {
            Py_ssize_t n = names == NULL ? 0 : PyTuple_GET_SIZE(names), i = 0;
            while (i < n && PyDict_SetItem(kwargs, PyTuple_GET_ITEM(names, i), args[count + i]) == 0) {
                i++;
            }
            PyTypeObject *tp = (PyTypeObject *)type;
            if (i == n && (result = tp->tp_new(tp, tuple, kwargs)) != NULL &&
                Py_TYPE(result)->tp_init(result, tuple, kwargs) < 0) {
                Py_CLEAR(result);
            }
        }
        Py_DECREF(tuple);
        Py_XDECREF(kwargs);
        return result;
    }
    return (PyObject *)gl_new(count > 0 ? args[0] : NULL, (PyGreenlet *)(count > 1 ? args[1] : NULL));
}

PyGreenlet *
gl_new(PyObject *run, PyGreenlet *parent)
{
    gl_thread *thread = gl_thread_get();
    PyGreenlet *self = thread != NULL ? new_object(&PyGreenlet_Type) : NULL;
    if (self == NULL) {
        return NULL;
    }
    self->pimpl->parent = (PyGreenlet *)Py_NewRef((PyObject *)thread->current->self);
    self->pimpl->run = Py_XNewRef(run);
    if (parent != NULL && (PyObject *)parent != Py_None && gl_set_parent(self, (PyObject *)parent) < 0) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    return self;
}

PyGreenlet *
gl_getcurrent(void)
{
    if (UNLIKELY(gl_is_finalizing())) {
        PyErr_SetString(PyExc_RuntimeError, "greenlet is being finalized");
        return NULL;
    }
    gl_thread *thread = gl_thread_get();
    return thread == NULL ? NULL : (PyGreenlet *)Py_NewRef((PyObject *)thread->current->self);
}

/* Switching ------------------------------------------------------------------------------------------------ */

static PyObject *
pack(PyObject *const *args, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    if (tuple != NULL) {
        for (Py_ssize_t i = 0; i < count; i++) {
            PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
        }
    }
    return tuple;
}

static PyObject *
pack_keywords(PyObject *const *values, PyObject *names)
{
    PyObject *dict = PyDict_New();
    if (dict != NULL) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
            if (PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i), values[i]) < 0) {
                Py_DECREF(dict);
                return NULL;
            }
        }
    }
    return dict;
}

PyDoc_STRVAR(switch_doc,
             "switch($self, /, *args, **kwargs)\n--\n\n"
             "Go on in this greenlet, and return what is sent when somebody switches back.\n\n"
             "A greenlet that was never started calls run(*args, **kwargs). One that is parked returns from its own\n"
             "switch(): one argument as it is, several as a tuple, none as (), keywords as a dict, both as\n"
             "(args, kwargs). For a dead one, the first of its parents that is not dead receives them.\n"
             "Raises greenlet.error where the greenlet belongs to another thread. Cost: some 25 ns.");

static PyObject *
green_switch(PyGreenlet *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    gl_thread *thread = gl_thread_get();
    if (UNLIKELY(thread == NULL)) {
        return NULL;
    }
    gl_coro *to = self->pimpl;
    PyObject *tuple = NULL;
    if (count != 1 || names != NULL) {
        tuple = pack(args, count); /* may collect, which may switch: look at the state afterwards */
        if (tuple == NULL) {
            return NULL;
        }
    }
    if (LIKELY(to->state == GL_PARKED && to->thread == thread && names == NULL)) {
        return gl_resume(thread, to, tuple != NULL ? tuple : Py_NewRef(args[0]));
    }
    if (tuple == NULL && (tuple = pack(args, 1)) == NULL) {
        return NULL;
    }
    PyObject *kwargs = NULL;
    if (names != NULL && (kwargs = pack_keywords(args + count, names)) == NULL) {
        Py_DECREF(tuple);
        return NULL;
    }
    return gl_send(thread, to, tuple, kwargs);
}

PyObject *
gl_switch(PyGreenlet *self, PyObject *args, PyObject *kwargs)
{
    gl_thread *thread = gl_thread_get();
    if (thread == NULL) {
        return NULL;
    }
    return gl_send(thread, self->pimpl, Py_NewRef(args), Py_XNewRef(kwargs));
}

/* Set the error that throw()'s arguments describe. -1 with TypeError where they describe none. */
static int
set_thrown(PyObject *type, PyObject *value, PyObject *traceback)
{
    if (traceback == Py_None) {
        traceback = NULL;
    }
    if (traceback != NULL && !PyTraceBack_Check(traceback)) {
        PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object");
        return -1;
    }
    if (PyExceptionClass_Check(type)) {
        Py_INCREF(type);
        Py_XINCREF(value);
        Py_XINCREF(traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyErr_Restore(type, value, traceback);
        return 0;
    }
    if (!PyExceptionInstance_Check(type)) {
        PyErr_Format(PyExc_TypeError, "exceptions must be classes, or instances, not %s", Py_TYPE(type)->tp_name);
        return -1;
    }
    if (value != NULL && value != Py_None) {
        PyErr_SetString(PyExc_TypeError, "instance exception may not have a separate value");
        return -1;
    }
    if (traceback == NULL) {
        traceback = PyException_GetTraceback(type);
    }
    else {
        Py_INCREF(traceback);
    }
    PyErr_Restore(Py_NewRef(PyExceptionInstance_Class(type)), Py_NewRef(type), traceback);
    return 0;
}

PyObject *
gl_throw(PyGreenlet *self, PyObject *type, PyObject *value, PyObject *traceback)
{
    gl_thread *thread = gl_thread_get();
    if (thread == NULL || set_thrown(type, value, traceback) < 0) {
        return NULL;
    }
    gl_coro *to = self->pimpl;
    PyObject *args = NULL;
    if (to->state == GL_DEAD) {
        PyObject *exit = gl_exit_value(); /* GreenletExit in a dead greenlet is its result */
        if (exit != NULL) {
            args = PyTuple_Pack(1, exit);
            Py_DECREF(exit);
            if (args == NULL) {
                return NULL;
            }
        }
    }
    return gl_send(thread, to, args, NULL);
}

PyDoc_STRVAR(throw_doc,
             "throw($self, type=GreenletExit, value=None, traceback=None, /)\n--\n\n"
             "Go on in this greenlet by raising an exception there; otherwise as switch().\n\n"
             "One that was never started dies at once, and the exception goes on to its parent. GreenletExit does not\n"
             "go on: it becomes the value that the parent receives.");

static PyObject *
green_throw(PyGreenlet *self, PyObject *args)
{
    PyObject *type = gl_Exit, *value = NULL, *traceback = NULL;
    if (!PyArg_ParseTuple(args, "|OOO:throw", &type, &value, &traceback)) {
        return NULL;
    }
    return gl_throw(self, type, value, traceback);
}

/* Dropping ------------------------------------------------------------------------------------------------- */

/* Throw GreenletExit into a parked greenlet of this thread, and come back. */
static void
end_unreferenced(PyGreenlet *self)
{
    gl_coro *coro = self->pimpl;
    gl_thread *thread = coro->thread;
    PyGreenlet *parent = coro->parent;
    coro->parent = (PyGreenlet *)Py_NewRef((PyObject *)thread->current->self); /* where to come back to */
    PyErr_SetString(gl_Exit, "Killing the greenlet because all references have vanished.");
    PyObject *result = gl_send(thread, coro, NULL, NULL);
    if (result == NULL) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(result);
    Py_XSETREF(coro->parent, parent);
}

static void
complain_that_it_lives(PyGreenlet *self)
{
    PyObject *file = PySys_GetObject("stderr");
    Py_INCREF((PyObject *)self); /* it leaks: nobody can end it */
    if (file != NULL) {
        Py_INCREF(file);
        if (PyFile_WriteString("GreenletExit did not kill ", file) < 0 ||
            PyFile_WriteObject((PyObject *)self, file, 0) < 0 || PyFile_WriteString("\n", file) < 0) {
            PyErr_Clear();
        }
        Py_DECREF(file);
    }
}

/* An unreferenced greenlet that is still parked: end it here, or hand it to its thread. False: it lives again. */
static bool
end_before_dealloc(PyGreenlet *self)
{
    gl_coro *coro = self->pimpl;
    if (gl_is_finalizing() || gl_thread_ended(coro)) {
        gl_abandon(coro);
        return true;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_SET_REFCNT((PyObject *)self, 1); /* alive while its code runs */
    gl_thread *thread = gl_thread_get();
    if (thread != NULL && thread == coro->thread) {
        end_unreferenced(self);
        if (Py_REFCNT((PyObject *)self) == 1 && gl_is_active(coro)) {
            complain_that_it_lives(self);
        }
    }
    else {
        Py_INCREF((PyObject *)self);
        if (gl_thread_add_orphan(coro->thread, self) < 0) {
            complain_that_it_lives(self); /* no memory to queue it */
            Py_DECREF((PyObject *)self);
        }
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
    Py_ssize_t references = Py_REFCNT((PyObject *)self) - 1;
    Py_SET_REFCNT((PyObject *)self, references);
    if (references == 0) {
        return true;
    }
    _Py_NewReference((PyObject *)self);
    Py_SET_REFCNT((PyObject *)self, references);
    if (PyType_HasFeature(Py_TYPE((PyObject *)self), Py_TPFLAGS_HEAPTYPE)) {
        Py_INCREF(Py_TYPE((PyObject *)self)); /* subtype_dealloc will drop one */
    }
    PyObject_GC_Track((PyObject *)self);
    return false;
}

/* Parents form chains of any length: one that goes with its child gives up its own parent first, so that dropping the
 * chain is a loop. */
static void
drop_parents(gl_coro *coro)
{
    PyGreenlet *parent = coro->parent;
    coro->parent = NULL;
    while (parent != NULL && Py_REFCNT((PyObject *)parent) == 1 && !gl_is_active(parent->pimpl) &&
           Py_TYPE((PyObject *)parent)->tp_finalize == NULL) {
        PyGreenlet *next = parent->pimpl->parent;
        parent->pimpl->parent = NULL;
        Py_DECREF((PyObject *)parent);
        parent = next;
    }
    Py_XDECREF((PyObject *)parent);
}

static void
clear_coro(gl_coro *coro)
{
    Py_CLEAR(coro->run);
    drop_parents(coro);
    if (coro->state != GL_RUNNING) {
        Py_CLEAR(coro->ts.context);
        Py_CLEAR(coro->ts.exc_state.exc_value);
    }
}

static void
green_dealloc(PyGreenlet *self)
{
    gl_coro *coro = self->pimpl;
    PyObject_GC_UnTrack((PyObject *)self);
    if ((coro->state == GL_PARKED || coro->state == GL_EVICTED) && coro->slot != NULL && !end_before_dealloc(self)) {
        return;
    }
    if (self->weakreflist != NULL) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    Py_CLEAR(self->dict);
    clear_coro(coro);
    if (coro->thread != NULL) {
        gl_thread_unref(coro->thread);
        coro->thread = NULL;
    }
    deallocate(self);
}

static int
green_traverse(PyGreenlet *self, visitproc visit, void *arg)
{
    gl_coro *coro = self->pimpl;
    Py_VISIT(self->dict);
    if (coro != NULL) { /* tp_alloc tracks the object before it has one */
        Py_VISIT((PyObject *)coro->parent);
        Py_VISIT(coro->run);
        if (coro->state != GL_RUNNING) { /* else they are the thread state's */
            Py_VISIT(coro->ts.context);
            Py_VISIT(coro->ts.exc_state.exc_value);
        }
    }
    return 0;
}

static int
green_clear(PyGreenlet *self)
{
    Py_CLEAR(self->dict);
    if (gl_thread_ended(self->pimpl)) {
        gl_abandon(self->pimpl);
    }
    clear_coro(self->pimpl);
    return 0;
}

/* A parked greenlet holds references from its C stack that no traversal can see: it is never collected, only
 * ended when its last reference goes. */
static int
green_is_gc(PyGreenlet *self)
{
    gl_coro *coro = self->pimpl;
    return coro == NULL || !gl_is_active(coro) || gl_is_main(coro) || gl_thread_ended(coro);
}

/* Attributes ----------------------------------------------------------------------------------------------- */

static int
green_bool(PyGreenlet *self)
{
    return gl_is_active(self->pimpl);
}

static PyObject *
green_get_run(PyGreenlet *self, void *Py_UNUSED(closure))
{
    if (gl_is_main(self->pimpl)) {
        PyErr_SetString(PyExc_AttributeError, "Main greenlets do not have a run attribute.");
        return NULL;
    }
    if (gl_is_started(self->pimpl) || self->pimpl->run == NULL) {
        PyErr_SetString(PyExc_AttributeError, "run");
        return NULL;
    }
    return Py_NewRef(self->pimpl->run);
}

static int
green_set_run(PyGreenlet *self, PyObject *run, void *Py_UNUSED(closure))
{
    return set_run(self, run);
}

static PyObject *
green_get_parent(PyGreenlet *self, void *Py_UNUSED(closure))
{
    PyObject *parent = (PyObject *)self->pimpl->parent;
    return Py_NewRef(parent != NULL ? parent : Py_None);
}

static int
green_set_parent(PyGreenlet *self, PyObject *parent, void *Py_UNUSED(closure))
{
    return gl_set_parent(self, parent);
}

static PyObject *
green_get_frame(PyGreenlet *self, void *Py_UNUSED(closure))
{
    PyObject *frame = gl_frame(self->pimpl);
    return frame != NULL ? frame : Py_NewRef(Py_None);
}

/* 1 where the context lives in this thread's state, 0 where in the greenlet, -1 with ValueError where in another's. */
static int
runs_here(gl_coro *coro, const char *verb)
{
    if (coro->state != GL_RUNNING) {
        return 0;
    }
    gl_thread *thread = gl_thread_get();
    if (thread == NULL) {
        return -1;
    }
    if (thread->current != coro) {
        PyErr_Format(PyExc_ValueError, "cannot %s context of a greenlet that is running in a different thread", verb);
        return -1;
    }
    return 1;
}

static PyObject *
green_get_context(PyGreenlet *self, void *Py_UNUSED(closure))
{
    int here = runs_here(self->pimpl, "get");
    if (here < 0) {
        return NULL;
    }
    PyObject *context = here ? gl_tstate_current()->context : self->pimpl->ts.context;
    return Py_NewRef(context != NULL ? context : Py_None);
}

static int
green_set_context(PyGreenlet *self, PyObject *context, void *Py_UNUSED(closure))
{
    if (context == NULL) {
        PyErr_SetString(PyExc_AttributeError, "can't delete context attribute");
        return -1;
    }
    if (context != Py_None && !PyContext_CheckExact(context)) {
        PyErr_SetString(PyExc_TypeError, "greenlet context must be a contextvars.Context or None");
        return -1;
    }
    int here = runs_here(self->pimpl, "set");
    if (here < 0) {
        return -1;
    }
    context = context == Py_None ? NULL : Py_NewRef(context); /* no context is NULL in the thread state */
    if (here) {
        PyThreadState *tstate = gl_tstate_current();
        PyObject *previous = tstate->context;
        tstate->context = context;
        tstate->context_ver++;
        Py_XDECREF(previous);
    }
    else {
        Py_XSETREF(self->pimpl->ts.context, context);
    }
    return 0;
}

static PyObject *
green_get_dead(PyGreenlet *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(is_dead(self->pimpl));
}

static PyObject *
green_get_stack_saved(PyGreenlet *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(gl_stack_in_use(self->pimpl));
}

static PyObject *
green_getstate(PyGreenlet *self, PyObject *Py_UNUSED(ignored))
{
    PyErr_Format(PyExc_TypeError, "cannot serialize '%s' object", Py_TYPE((PyObject *)self)->tp_name);
    return NULL;
}

static PyObject *
green_repr(PyGreenlet *self)
{
    gl_coro *coro = self->pimpl;
    const char *name = Py_TYPE((PyObject *)self)->tp_name;
    gl_thread *owner = gl_thread_ended(coro) ? NULL : coro->thread;
    if (is_dead(coro)) {
        return PyUnicode_FromFormat("<%s object at %p (otid=%p) %sdead>", name, self, owner,
                                    gl_thread_ended(coro) ? "(thread exited) " : "");
    }
    const char *place = !gl_is_started(coro) ? "" : gl_bound_thread == owner && coro == owner->current ? " current" : " suspended";
    return PyUnicode_FromFormat("<%s object at %p (otid=%p)%s%s%s%s>", name, self, owner, place,
                                gl_is_active(coro) ? " active" : "", gl_is_started(coro) ? " started" : " pending",
                                gl_is_main(coro) ? " main" : "");
}

/* The type ------------------------------------------------------------------------------------------------- */

static PyMethodDef green_methods[] = {
    {"switch", (PyCFunction)(void (*)(void))green_switch, METH_FASTCALL | METH_KEYWORDS, switch_doc},
    {"throw", (PyCFunction)green_throw, METH_VARARGS, throw_doc},
    {"__getstate__", (PyCFunction)green_getstate, METH_NOARGS, NULL},
    {NULL},
};

static PyGetSetDef green_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {"run", (getter)green_get_run, (setter)green_set_run, "What the greenlet calls when it starts; gone afterwards.", NULL},
    {"parent", (getter)green_get_parent, (setter)green_set_parent, "Where its result or exception goes.", NULL},
    {"gr_frame", (getter)green_get_frame, NULL, "The innermost frame while parked, else None.", NULL},
    {"gr_context", (getter)green_get_context, (setter)green_set_context, "Its contextvars.Context, or None.", NULL},
    {"dead", (getter)green_get_dead, NULL, "Whether it has ended, or can never run again.", NULL},
    {"_stack_saved", (getter)green_get_stack_saved, NULL, "Bytes of C stack that it holds while it does not run, wherever they lie.", NULL},
    {NULL},
};

static PyNumberMethods green_number = {.nb_bool = (inquiry)green_bool};

PyTypeObject PyGreenlet_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "greenlet.greenlet",
    .tp_basicsize = sizeof(PyGreenlet),
    .tp_dealloc = (destructor)green_dealloc,
    .tp_repr = (reprfunc)green_repr,
    .tp_as_number = &green_number,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "greenlet(run=None, parent=None)\n\n"
              "A coroutine with a stack of its own, switched to by hand.\n\n"
              "run: what to call, fetched when it starts. parent: where its result or its exception goes when it ends;\n"
              "by default the current greenlet. Raises ValueError where parent's thread has ended.",
    .tp_traverse = (traverseproc)green_traverse,
    .tp_clear = (inquiry)green_clear,
    .tp_weaklistoffset = offsetof(PyGreenlet, weakreflist),
    .tp_methods = green_methods,
    .tp_getset = green_getset,
    .tp_dictoffset = offsetof(PyGreenlet, dict),
    .tp_init = (initproc)green_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = green_new,
    .tp_free = PyObject_GC_Del,
    .tp_is_gc = (inquiry)green_is_gc,
    .tp_vectorcall = green_vectorcall,
};

int
gl_type_ready(void)
{
    gl_Error = PyErr_NewException("greenlet.error", NULL, NULL);
    gl_Exit = PyErr_NewException("greenlet.GreenletExit", PyExc_BaseException, NULL);
    return gl_Error == NULL || gl_Exit == NULL ? -1 : PyType_Ready(&PyGreenlet_Type);
}
