/* The C API: the capsule `greenlet._C_API`, with the layout and order that greenlet.h fixes. */
#include "core.h"

static int
is_greenlet(void *self)
{
    if (self == NULL || !PyGreenlet_Check((PyObject *)self)) {
        PyErr_BadArgument();
        return 0;
    }
    return 1;
}

/* C and C++ code switches through here: a C++ runtime may have been loaded since this thread began. */
static void
look_for_cxx(void)
{
    gl_thread *thread = gl_bound_thread;
    if (UNLIKELY(thread != NULL && thread->eh == NULL)) {
        gl_thread_find_eh_globals(thread);
    }
}

static PyObject *
api_throw(PyGreenlet *self, PyObject *type, PyObject *value, PyObject *traceback)
{
    if (!is_greenlet(self)) {
        return NULL;
    }
    look_for_cxx();
    return gl_throw(self, type, value, traceback);
}

static PyObject *
api_switch(PyGreenlet *self, PyObject *args, PyObject *kwargs)
{
    if (!is_greenlet(self)) {
        return NULL;
    }
    look_for_cxx();
    PyObject *tuple = args != NULL ? Py_NewRef(args) : PyTuple_New(0);
    if (tuple == NULL) {
        return NULL;
    }
    PyObject *result = gl_switch(self, tuple, kwargs != NULL && PyDict_Check(kwargs) ? kwargs : NULL);
    Py_DECREF(tuple);
    return result;
}

static int
api_setparent(PyGreenlet *self, PyGreenlet *parent)
{
    return is_greenlet(self) ? gl_set_parent(self, (PyObject *)parent) : -1;
}

static int
api_main(PyGreenlet *self)
{
    return is_greenlet(self) ? gl_is_main(self->pimpl) : -1;
}

static int
api_started(PyGreenlet *self)
{
    return is_greenlet(self) ? gl_is_started(self->pimpl) : -1;
}

static int
api_active(PyGreenlet *self)
{
    return is_greenlet(self) ? gl_is_active(self->pimpl) : -1;
}

static PyGreenlet *
api_get_parent(PyGreenlet *self)
{
    return is_greenlet(self) ? (PyGreenlet *)Py_XNewRef((PyObject *)self->pimpl->parent) : NULL;
}

PyObject *
gl_make_api(void)
{
    static void *api[12];
    api[0] = &PyGreenlet_Type;
    api[1] = gl_Error;
    api[2] = gl_Exit;
    api[3] = (void *)gl_new;
    api[4] = (void *)gl_getcurrent;
    api[5] = (void *)api_throw;
    api[6] = (void *)api_switch;
    api[7] = (void *)api_setparent;
    api[8] = (void *)api_main;
    api[9] = (void *)api_started;
    api[10] = (void *)api_active;
    api[11] = (void *)api_get_parent;
    return PyCapsule_New(api, "greenlet._C_API", NULL);
}
