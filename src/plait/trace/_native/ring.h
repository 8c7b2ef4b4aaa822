/* plait.trace: the per-thread event ring, as C callers see it.
 *
 * Owns: one fixed ring of events a thread, a flag that says whether anybody listens, a monotonic clock.
 * Protocol: call PlaitTrace_Import() once at module import; then, with the GIL held,
 *
 *     if (PlaitTrace_ON(trace))
 *         trace->emit(layer, kind, id, parent, begin_ns, end_ns, bytes, name);
 *
 *   - layer, kind: exact str objects that the caller owns (intern them at import); name: exact str or NULL.
 *     The ring takes its own references. Dropping them never runs Python code, so emit() is safe in the
 *     middle of a switch.
 *   - begin_ns, end_ns: trace->now_ns(); end_ns == 0 marks an instant. bytes: size moved or held, else 0.
 *   - emit() never raises and never touches the current exception: an event that cannot be kept (no memory
 *     for the thread's ring, a subinterpreter) is counted as dropped.
 * Cost: off, one load and one untaken branch. On, a clock read and a store of 64 bytes; no allocation after
 * a thread's first event.
 */
#ifndef PLAIT_TRACE_RING_H
#define PLAIT_TRACE_RING_H

#include <Python.h>
#include <stdint.h>

#define PLAIT_TRACE_CAPSULE "plait.trace._ring._C_API"

typedef struct {
    const int *enabled;
    void (*emit)(PyObject *layer, PyObject *kind, int64_t id, int64_t parent, int64_t begin_ns, int64_t end_ns,
                 int64_t bytes, PyObject *name);
    int64_t (*now_ns)(void);
} PlaitTrace_API;

#define PlaitTrace_ON(api) __builtin_expect(*(api)->enabled, 0)

/* The table, or NULL with ImportError or AttributeError set. It lives as long as the process. */
static inline const PlaitTrace_API *PlaitTrace_Import(void)
{
    PyObject *module = PyImport_ImportModule("plait.trace._ring");
    if (module == NULL)
        return NULL;
    PyObject *capsule = PyObject_GetAttrString(module, "_C_API");
    Py_DECREF(module);
    if (capsule == NULL)
        return NULL;
    const PlaitTrace_API *api = PyCapsule_GetPointer(capsule, PLAIT_TRACE_CAPSULE);
    Py_DECREF(capsule);
    return api;
}

#endif
