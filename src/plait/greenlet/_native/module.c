/* The extension module plait.greenlet._core: the type, the module's functions, and figures for tools and tests. */
#include "core.h"

PyDoc_STRVAR(getcurrent_doc, "getcurrent($module, /)\n--\n\nThe greenlet that calls this.");

static PyObject *
core_getcurrent(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return (PyObject *)gl_getcurrent();
}

PyDoc_STRVAR(settrace_doc,
             "settrace($module, callback, /)\n--\n\n"
             "Have this thread call callback(event, (origin, target)) after every switch, in the target, with event\n"
             "'switch' or 'throw'; None ends it. Returns the callback that was set, or None. One that raises is\n"
             "removed, and its exception is raised in the target.");

static PyObject *
core_settrace(PyObject *Py_UNUSED(module), PyObject *function)
{
    gl_thread *thread = gl_thread_get();
    if (thread == NULL) {
        return NULL;
    }
    PyObject *previous = thread->tracefunc;
    thread->tracefunc = function == Py_None ? NULL : Py_NewRef(function);
    return previous != NULL ? previous : Py_NewRef(Py_None);
}

PyDoc_STRVAR(gettrace_doc, "gettrace($module, /)\n--\n\nThe callback that settrace() has set in this thread, or None.");

static PyObject *
core_gettrace(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    gl_thread *thread = gl_thread_get();
    if (thread == NULL) {
        return NULL;
    }
    return Py_NewRef(thread->tracefunc != NULL ? thread->tracefunc : Py_None);
}

PyDoc_STRVAR(stats_doc,
             "stats($module, /)\n--\n\n"
             "Figures of this process: slots (stacks cut), used (in use now), mappings (made for them), evictions,\n"
             "restores, slot_bytes, max_stacks, guard, threads (with a main greenlet).");

static PyObject *
core_stats(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    gl_stack_stats s;
    gl_stack_get_stats(&s);
    return Py_BuildValue("{s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:s,s:n}", "slots", s.slots, "used", s.used, "mappings", s.mappings,
                         "evictions", s.evictions, "restores", s.restores, "slot_bytes", s.slot_bytes, "max_stacks",
                         s.max_stacks, "guard", s.guard, "threads", gl_thread_count());
}

#if GL_CFRAME
PyDoc_STRVAR(trash_doc, "trash_nesting($module, /)\n--\n\nHow deep this thread is in nested deallocation.");

static PyObject *
core_trash_nesting(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(GL_TRASH_NESTING(gl_tstate_current()));
}
#endif

#ifdef PLAIT_DEBUG
PyDoc_STRVAR(fail_doc, "fail_allocation($module, n, /)\n--\n\nMake the n-th allocation from now fail; 0 ends it. Debug builds only.");

static PyObject *
core_fail_allocation(PyObject *Py_UNUSED(module), PyObject *number)
{
    Py_ssize_t n = PyLong_AsSsize_t(number);
    if (n == -1 && PyErr_Occurred()) {
        return NULL;
    }
    gl_fail_allocation(n);
    Py_RETURN_NONE;
}
#endif

static PyMethodDef core_methods[] = {
    {"getcurrent", core_getcurrent, METH_NOARGS, getcurrent_doc},
    {"settrace", core_settrace, METH_O, settrace_doc},
    {"gettrace", core_gettrace, METH_NOARGS, gettrace_doc},
    {"stats", core_stats, METH_NOARGS, stats_doc},
#if GL_CFRAME
    {"trash_nesting", core_trash_nesting, METH_NOARGS, trash_doc},
#endif
#ifdef PLAIT_DEBUG
    {"fail_allocation", core_fail_allocation, METH_O, fail_doc},
#endif
    {NULL},
};

static struct PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "plait.greenlet._core",
    .m_doc = "Layer 1's native part. See core.h for its contract.",
    .m_size = -1,
    .m_methods = core_methods,
};

/* CPython's internal structures may differ between releases: refuse to run on another than compiled for. */
static int
check_interpreter(void)
{
#if GL_PY314
    /* The C stack limits lie behind a structure that has grown in bug-fix releases. */
    _PyThreadStateImpl *impl = (_PyThreadStateImpl *)PyThreadState_Get();
    uintptr_t here = (uintptr_t)&impl;
    if (here < impl->c_stack_hard_limit || here > impl->c_stack_top) {
        PyErr_Format(PyExc_ImportError, "plait was built for CPython %s and this is %s, whose thread state differs; reinstall plait",
                     PY_VERSION, Py_GetVersion());
        return -1;
    }
#endif
    if ((Py_Version >> 16) != (PY_VERSION_HEX >> 16)) {
        PyErr_Format(PyExc_ImportError, "plait was built for CPython %s and this is %s; reinstall plait", PY_VERSION, Py_GetVersion());
        return -1;
    }
    return 0;
}

/* `greenlet.getcurrent` and others are attributes of the type as well: old programs use it as the module. */
static int
publish_on_type(PyObject *module)
{
    static const char *const names[] = {"getcurrent", "error", "GreenletExit", "settrace", "gettrace"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PyObject *value = PyObject_GetAttrString(module, names[i]);
        int failed = value == NULL || PyDict_SetItemString(PyGreenlet_Type.tp_dict, names[i], value) < 0;
        Py_XDECREF(value);
        if (failed) {
            return -1;
        }
    }
    PyType_Modified(&PyGreenlet_Type);
    return 0;
}

static int
fill(PyObject *module)
{
    if (PyModule_AddObjectRef(module, "greenlet", (PyObject *)&PyGreenlet_Type) < 0 ||
        PyModule_AddObjectRef(module, "error", gl_Error) < 0 || PyModule_AddObjectRef(module, "GreenletExit", gl_Exit) < 0) {
        return -1;
    }
    PyObject *api = gl_make_api(), *layer_api = gl_make_layer_api();
    int failed = api == NULL || PyModule_AddObjectRef(module, "_C_API", api) < 0 || layer_api == NULL ||
                 PyModule_AddObjectRef(module, "_LAYER_API", layer_api) < 0;
    Py_XDECREF(api);
    Py_XDECREF(layer_api);
    return failed ? -1 : publish_on_type(module);
}

PyMODINIT_FUNC
PyInit__core(void)
{
    if (check_interpreter() < 0 || gl_stack_init() < 0 || gl_switch_init() < 0 || gl_type_ready() < 0) {
        return NULL;
    }
    PyObject *module = PyModule_Create(&core_module);
    if (module != NULL && fill(module) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
