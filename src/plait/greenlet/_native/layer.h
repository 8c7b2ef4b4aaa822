/* Layer 1 as the native code of the layers above calls it: no argument tuples, no attribute look-ups.
 *
 * Get the table once, by GreenletLayer_Import(); all entries need the GIL. Greenlets are passed as PyObject * and must be
 * greenlets. Where a function returns a pointer, NULL means that an exception is set.
 */
#ifndef PLAIT_GREENLET_LAYER_H
#define PLAIT_GREENLET_LAYER_H

#include <Python.h>

#define PLAIT_GREENLET_LAYER_CAPSULE "plait.greenlet._core._LAYER_API"

typedef struct {
    PyObject *(*current)(void); /* the greenlet that runs now, a borrowed reference */
    PyObject *(*resume)(PyObject *greenlet, PyObject *value); /* go on there, with value (borrowed); one that never began: by run() */
    /* Begin a greenlet that never was started, by run(), whatever its attribute `run` says. */
    PyObject *(*start)(PyObject *greenlet, PyObject *run);
    /* Hold keeper (borrowed; NULL: none) for this thread, in place of what was held. It is dropped when the thread ends,
     * before its greenlets are gone. 0, or -1. */
    int (*keep)(PyObject *keeper);
    int (*set_parent)(PyObject *greenlet, PyObject *parent); /* 0, or -1 */
    /* Where the caller is in Python: the code objects of its innermost frames (borrowed) and the instruction that each is
     * at, in bytes, as PyCode_Addr2Line takes it. Returns how many, at most max. Allocates nothing. */
    int (*places)(PyObject **codes, int *instructions, int max);
    int (*started)(PyObject *greenlet); /* begun, perhaps ended */
    int (*active)(PyObject *greenlet); /* begun and not ended */
} GreenletLayer_API;

static inline const GreenletLayer_API *
GreenletLayer_Import(void)
{
    PyObject *module = PyImport_ImportModule("plait.greenlet._core");
    if (module == NULL) {
        return NULL;
    }
    PyObject *capsule = PyObject_GetAttrString(module, "_LAYER_API");
    Py_DECREF(module);
    if (capsule == NULL) {
        return NULL;
    }
    const GreenletLayer_API *api = (const GreenletLayer_API *)PyCapsule_GetPointer(capsule, PLAIT_GREENLET_LAYER_CAPSULE);
    Py_DECREF(capsule);
    return api;
}

#endif
