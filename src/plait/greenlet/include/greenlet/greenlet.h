/* The C API of greenlets: create, switch and throw from C and C++.
 *
 *     #include <greenlet/greenlet.h>       // cc -I$(python -c 'import plait.greenlet as g; print(g.get_include())')
 *
 *     PyGreenlet_Import();                 // once, in the module's init function; check PyErr_Occurred()
 *
 * An extension compiled with this header runs on any implementation of the interface that is importable as
 * `greenlet` (under plait: `plait run --as greenlet`, or `plait.compat.install("greenlet")`), and one compiled with
 * another implementation's header runs on plait: struct, table and order are fixed.
 * All functions need the GIL. Those that return a pointer return NULL with an exception set, but where noted.
 */
#ifndef Py_GREENLETOBJECT_H
#define Py_GREENLETOBJECT_H

#include <Python.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GREENLET_VERSION "1.0.0" /* of this interface; it does not change */

/* May be the base of an extension type. The last field is the implementation's. */
typedef struct _greenlet {
    PyObject_HEAD
    PyObject *weakreflist;
    PyObject *dict;
    void *pimpl;
} PyGreenlet;

/* The table behind the capsule: what each entry is, and its place. */
enum {
    PyGreenlet_Type_NUM = 0,
    PyExc_GreenletError_NUM = 1,
    PyExc_GreenletExit_NUM = 2,
    PyGreenlet_New_NUM = 3,
    PyGreenlet_GetCurrent_NUM = 4,
    PyGreenlet_Throw_NUM = 5,
    PyGreenlet_Switch_NUM = 6,
    PyGreenlet_SetParent_NUM = 7,
    PyGreenlet_MAIN_NUM = 8,
    PyGreenlet_STARTED_NUM = 9,
    PyGreenlet_ACTIVE_NUM = 10,
    PyGreenlet_GET_PARENT_NUM = 11,
    PyGreenlet_API_pointers = 12
};

static void **_PyGreenlet_API = NULL;

/* Fetch the table. On failure it stays NULL and an exception is set. */
#define PyGreenlet_Import() \
    do { \
        _PyGreenlet_API = (void **)PyCapsule_Import("greenlet._C_API", 0); \
    } while (0)

#define PyGreenlet_Type (*(PyTypeObject *)_PyGreenlet_API[PyGreenlet_Type_NUM])
#define PyExc_GreenletError ((PyObject *)_PyGreenlet_API[PyExc_GreenletError_NUM])
#define PyExc_GreenletExit ((PyObject *)_PyGreenlet_API[PyExc_GreenletExit_NUM])
#define PyGreenlet_Check(op) ((op) && PyObject_TypeCheck(op, &PyGreenlet_Type))

/* greenlet(run, parent); parent NULL: the current greenlet. A new reference. */
#define PyGreenlet_New ((PyGreenlet * (*)(PyObject * run, PyGreenlet * parent)) _PyGreenlet_API[PyGreenlet_New_NUM])

/* A new reference. */
#define PyGreenlet_GetCurrent ((PyGreenlet * (*)(void)) _PyGreenlet_API[PyGreenlet_GetCurrent_NUM])

/* g.throw(type, value, traceback); value and traceback may be NULL. A new reference to what comes back. */
#define PyGreenlet_Throw \
    ((PyObject * (*)(PyGreenlet * g, PyObject * type, PyObject * value, PyObject * traceback)) \
         _PyGreenlet_API[PyGreenlet_Throw_NUM])

/* g.switch(*args, **kwargs); each may be NULL. A new reference to what comes back. */
#define PyGreenlet_Switch \
    ((PyObject * (*)(PyGreenlet * g, PyObject * args, PyObject * kwargs)) _PyGreenlet_API[PyGreenlet_Switch_NUM])

/* g.parent = parent. 0, or -1 with an exception. */
#define PyGreenlet_SetParent ((int (*)(PyGreenlet * g, PyGreenlet * parent)) _PyGreenlet_API[PyGreenlet_SetParent_NUM])

/* g.parent, a new reference; NULL without an exception for a main greenlet. */
#define PyGreenlet_GetParent ((PyGreenlet * (*)(PyGreenlet * g)) _PyGreenlet_API[PyGreenlet_GET_PARENT_NUM])
#define PyGreenlet_GET_PARENT PyGreenlet_GetParent

/* 1 or 0: whether g is its thread's main greenlet, was started, and has neither ended nor never begun. */
#define PyGreenlet_MAIN ((int (*)(PyGreenlet * g)) _PyGreenlet_API[PyGreenlet_MAIN_NUM])
#define PyGreenlet_STARTED ((int (*)(PyGreenlet * g)) _PyGreenlet_API[PyGreenlet_STARTED_NUM])
#define PyGreenlet_ACTIVE ((int (*)(PyGreenlet * g)) _PyGreenlet_API[PyGreenlet_ACTIVE_NUM])

#ifdef __cplusplus
}
#endif

#endif
