/* Every entry of greenlet's C API, each under a Python name. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <greenlet/greenlet.h>

#include <stddef.h>

static PyObject *
new_greenlet(PyObject *module, PyObject *args)
{
    PyObject *run;
    PyObject *parent = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O|O:new", &run, &parent)) {
        return NULL;
    }
    return (PyObject *)PyGreenlet_New(run == Py_None ? NULL : run, (PyGreenlet *)parent);
}

static PyObject *
current(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    return (PyObject *)PyGreenlet_GetCurrent();
}

static PyObject *
switch_to(PyObject *module, PyObject *args)
{
    PyObject *target, *sent = NULL, *keywords = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "O|OO:switch", &target, &sent, &keywords)) {
        return NULL;
    }
    if (sent == Py_None) {
        sent = NULL;
    }
    return PyGreenlet_Switch((PyGreenlet *)target, sent, keywords);
}

static PyObject *
throw_into(PyObject *module, PyObject *args)
{
    PyObject *target, *type, *value = NULL, *traceback = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO|OO:throw", &target, &type, &value, &traceback)) {
        return NULL;
    }
    return PyGreenlet_Throw((PyGreenlet *)target, type, value, traceback);
}

static PyObject *
set_parent(PyObject *module, PyObject *args)
{
    PyObject *child, *parent;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO:set_parent", &child, &parent)) {
        return NULL;
    }
    if (PyGreenlet_SetParent((PyGreenlet *)child, (PyGreenlet *)parent) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
get_parent(PyObject *module, PyObject *child)
{
    PyObject *parent = (PyObject *)PyGreenlet_GET_PARENT((PyGreenlet *)child);
    (void)module;
    if (parent == NULL && PyErr_Occurred()) {
        return NULL;
    }
    return parent != NULL ? parent : Py_NewRef(Py_None);
}

static PyObject *
state(PyObject *module, PyObject *one)
{
    PyGreenlet *self = (PyGreenlet *)one;
    int main = PyGreenlet_MAIN(self), started = PyGreenlet_STARTED(self), active = PyGreenlet_ACTIVE(self);
    (void)module;
    if (main < 0 || started < 0 || active < 0) {
        return NULL;
    }
    return Py_BuildValue("{s:i,s:i,s:i}", "main", main, "started", started, "active", active);
}

static PyObject *
is_greenlet(PyObject *module, PyObject *object)
{
    (void)module;
    return PyBool_FromLong(PyGreenlet_Check(object));
}

static PyObject *
types(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    return Py_BuildValue("(OOO)", (PyObject *)&PyGreenlet_Type, PyExc_GreenletError, PyExc_GreenletExit);
}

/* What extensions that embed the structure rely on. */
static PyObject *
layout(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    return Py_BuildValue("(nnn)", (Py_ssize_t)offsetof(PyGreenlet, weakreflist), (Py_ssize_t)offsetof(PyGreenlet, dict),
                         (Py_ssize_t)sizeof(PyGreenlet));
}

/* A subtype in C: greenlet's structure, and a number after it. */
typedef struct {
    PyGreenlet base;
    int number;
} Numbered;

static int
numbered_init(Numbered *self, PyObject *args, PyObject *keywords)
{
    PyObject *none = PyTuple_New(0);
    int failed;
    (void)keywords;
    if (none == NULL) {
        return -1;
    }
    failed = PyGreenlet_Type.tp_init((PyObject *)self, none, NULL) < 0 || !PyArg_ParseTuple(args, "i", &self->number);
    Py_DECREF(none);
    return failed ? -1 : 0;
}

static PyObject *
numbered_run(Numbered *self, PyObject *ignored)
{
    (void)ignored;
    return PyLong_FromLong(self->number);
}

static PyMethodDef numbered_methods[] = {
    {"run", (PyCFunction)numbered_run, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Numbered_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "uses_c_api.Numbered",
    .tp_basicsize = sizeof(Numbered),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_methods = numbered_methods,
    .tp_init = (initproc)numbered_init,
};

static PyMethodDef methods[] = {
    {"new", new_greenlet, METH_VARARGS, NULL},
    {"current", current, METH_NOARGS, NULL},
    {"switch", switch_to, METH_VARARGS, NULL},
    {"throw", throw_into, METH_VARARGS, NULL},
    {"set_parent", set_parent, METH_VARARGS, NULL},
    {"get_parent", get_parent, METH_O, NULL},
    {"state", state, METH_O, NULL},
    {"is_greenlet", is_greenlet, METH_O, NULL},
    {"types", types, METH_NOARGS, NULL},
    {"layout", layout, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "uses_c_api",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_uses_c_api(void)
{
    PyObject *module;
    PyGreenlet_Import();
    if (_PyGreenlet_API == NULL) {
        return NULL;
    }
    Numbered_Type.tp_base = &PyGreenlet_Type;
    if (PyType_Ready(&Numbered_Type) < 0) {
        return NULL;
    }
    module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddObjectRef(module, "Numbered", (PyObject *)&Numbered_Type) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
