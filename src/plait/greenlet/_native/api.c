/* The C APIs: the capsule `greenlet._C_API`, with the layout and order that greenlet.h fixes, for everybody; and that of
 * layer.h for plait's own layers. */
#include "core.h"
#include "layer.h"

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

/* For the layers above ------------------------------------------------------------------------------------- */

static PyObject *
layer_current(void)
{
    gl_thread *thread = gl_thread_get();
    return thread == NULL ? NULL : (PyObject *)thread->current->self;
}

static PyObject *
layer_resume(PyObject *greenlet, PyObject *value)
{
    gl_thread *thread = gl_thread_get();
    if (UNLIKELY(thread == NULL)) {
        return NULL;
    }
    gl_coro *to = ((PyGreenlet *)greenlet)->pimpl;
    if (LIKELY(to->state == GL_PARKED && to->thread == thread)) {
        return gl_resume(thread, to, Py_NewRef(value));
    }
    PyObject *args = to->state == GL_NEW ? PyTuple_New(0) : PyTuple_Pack(1, value);
    return args == NULL ? NULL : gl_send(thread, to, args, NULL);
}

static PyObject *
layer_start(PyObject *greenlet, PyObject *run)
{
    gl_thread *thread = gl_thread_get();
    return thread == NULL ? NULL : gl_start(thread, ((PyGreenlet *)greenlet)->pimpl, run);
}

static int
layer_keep(PyObject *keeper)
{
    gl_thread *thread = gl_thread_get();
    if (thread == NULL) {
        return -1;
    }
    PyObject *previous = thread->keeper;
    thread->keeper = Py_XNewRef(keeper);
    Py_XDECREF(previous);
    return 0;
}

static int
layer_set_parent(PyObject *greenlet, PyObject *parent)
{
    return gl_set_parent((PyGreenlet *)greenlet, parent);
}

/* Where a frame of Python is, in code units: CPython 3.14 moved its macro to a header that needs more than it exports. */
#if GL_PY314
#define FRAME_LASTI(frame) ((int)((frame)->instr_ptr - (_Py_CODEUNIT *)gl_frame_code(frame)->co_code_adaptive))
#else
#define FRAME_LASTI(frame) _PyInterpreterFrame_LASTI(frame)
#endif

static int
layer_places(PyObject **codes, int *instructions, int max)
{
    int count = 0;
    struct _PyInterpreterFrame *frame = gl_tstate_running_frame(gl_tstate_current());
    for (; frame != NULL && count < max; frame = frame->previous) {
        if (gl_frame_is_python(frame)) {
            codes[count] = (PyObject *)gl_frame_code(frame);
            instructions[count++] = FRAME_LASTI(frame) * (int)sizeof(_Py_CODEUNIT);
        }
    }
    return count;
}

static int
layer_started(PyObject *greenlet)
{
    return gl_is_started(((PyGreenlet *)greenlet)->pimpl);
}

static int
layer_active(PyObject *greenlet)
{
    return gl_is_active(((PyGreenlet *)greenlet)->pimpl);
}

PyObject *
gl_make_layer_api(void)
{
    static const GreenletLayer_API api = {
        .current = layer_current,
        .resume = layer_resume,
        .start = layer_start,
        .keep = layer_keep,
        .set_parent = layer_set_parent,
        .places = layer_places,
        .started = layer_started,
        .active = layer_active,
    };
    return PyCapsule_New((void *)&api, PLAIT_GREENLET_LAYER_CAPSULE, NULL);
}
