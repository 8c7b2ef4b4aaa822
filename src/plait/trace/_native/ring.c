/* plait.trace._ring: per-thread rings of trace events. The contract for C callers is in ring.h.
 *
 * Owns: the list of rings, the session number, the enabled flag. All of it is touched with the GIL held.
 * A ring belongs to the thread that wrote its first event and stays on the list when that thread ends, so
 * its events are still there at stop(). A thread finds its ring through a thread-local pointer, which is
 * valid only while its session number is the current one: start(), stop() and clear() free the rings of
 * every thread and move on to the next session, and no thread ever follows a pointer from an old one.
 * When a ring is full the oldest event is overwritten and counted as dropped.
 * Left to others: turning tuples into records, order, text (plait.trace.events, plait.trace.text).
 */
#define _GNU_SOURCE
#include "ring.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

struct event {
    PyObject *layer, *kind, *name; /* owned exact str; name may be NULL */
    int64_t id, parent, begin_ns, end_ns, bytes;
};

struct ring {
    struct ring *next;
    int64_t worker;    /* the kernel's id of the owning thread: unique on this machine, across processes */
    uint64_t written;  /* events ever written; the slot of the next one is written % capacity */
    uint64_t capacity; /* power of two */
    struct event slots[];
};

#define DEFAULT_CAPACITY 65536 /* 4 MiB of address space a thread; pages are touched as events come */

static int enabled;
static uint64_t session = 1; /* a thread-local session of 0 never matches */
static uint64_t capacity = DEFAULT_CAPACITY;
static uint64_t dropped;
static struct ring *rings;

static _Thread_local struct ring *own_ring;
static _Thread_local uint64_t own_session;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct ring *ring_of_this_thread(void)
{
    if (own_session == session)
        return own_ring;
    struct ring *ring = calloc(1, sizeof(struct ring) + capacity * sizeof(struct event));
    if (ring == NULL)
        return NULL;
    ring->worker = syscall(SYS_gettid);
    ring->capacity = capacity;
    ring->next = rings;
    rings = ring;
    own_ring = ring;
    own_session = session;
    return ring;
}

static void event_clear(struct event *event)
{
    Py_CLEAR(event->layer);
    Py_CLEAR(event->kind);
    Py_CLEAR(event->name);
}

static void ring_emit(PyObject *layer, PyObject *kind, int64_t id, int64_t parent, int64_t begin_ns, int64_t end_ns,
                      int64_t bytes, PyObject *name)
{
    struct ring *ring = NULL;
    /* A subinterpreter's strings die with it; the ring would outlive them. */
    if (PyInterpreterState_Get() == PyInterpreterState_Main())
        ring = ring_of_this_thread();
    if (ring == NULL) {
        dropped++;
        return;
    }
    struct event *slot = &ring->slots[ring->written & (ring->capacity - 1)];
    if (ring->written >= ring->capacity) {
        dropped++;
        event_clear(slot);
    }
    ring->written++;
    slot->layer = Py_NewRef(layer);
    slot->kind = Py_NewRef(kind);
    slot->name = Py_XNewRef(name);
    slot->id = id;
    slot->parent = parent;
    slot->begin_ns = begin_ns;
    slot->end_ns = end_ns;
    slot->bytes = bytes;
}

static uint64_t ring_oldest(const struct ring *ring)
{
    return ring->written > ring->capacity ? ring->written - ring->capacity : 0;
}

static void ring_empty(struct ring *ring)
{
    for (uint64_t i = ring_oldest(ring); i < ring->written; i++)
        event_clear(&ring->slots[i & (ring->capacity - 1)]);
    ring->written = 0;
}

/* Take every ring off the list: whoever emits from now on starts a new one. */
static struct ring *detach_rings(void)
{
    struct ring *detached = rings;
    rings = NULL;
    session++;
    return detached;
}

static void free_rings(struct ring *ring)
{
    while (ring != NULL) {
        struct ring *next = ring->next;
        ring_empty(ring);
        free(ring);
        ring = next;
    }
}

static PyObject *event_tuple(const struct event *event, int64_t worker)
{
    return Py_BuildValue("(OOLLLLLLO)", event->layer, event->kind, (long long)event->id, (long long)event->parent,
                         (long long)worker, (long long)event->begin_ns, (long long)event->end_ns,
                         (long long)event->bytes, event->name != NULL ? event->name : Py_None);
}

static int ring_export(const struct ring *ring, PyObject *into)
{
    for (uint64_t i = ring_oldest(ring); i < ring->written; i++) {
        PyObject *item = event_tuple(&ring->slots[i & (ring->capacity - 1)], ring->worker);
        if (item == NULL)
            return -1;
        int failed = PyList_Append(into, item);
        Py_DECREF(item);
        if (failed)
            return -1;
    }
    return 0;
}

PyDoc_STRVAR(drain_doc, "drain() -> list of tuple\n\n"
                        "Take all events out of all threads' rings, ended threads' too, in no order between threads.\n"
                        "A tuple is (layer, kind, id, parent, worker, begin_ns, end_ns, bytes, name).");

static PyObject *py_drain(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *out = PyList_New(0);
    if (out == NULL)
        return NULL;
    /* Detached before they are read: building tuples can run the collector, and with it finalizers that emit. */
    struct ring *detached = detach_rings();
    int failed = 0;
    for (struct ring *ring = detached; ring != NULL && !failed; ring = ring->next)
        failed = ring_export(ring, out) < 0;
    free_rings(detached);
    if (failed)
        Py_CLEAR(out);
    return out;
}

PyDoc_STRVAR(start_doc, "start(capacity: int = 65536) -> None\n\n"
                        "Forget all events and begin to record; `capacity` events a thread, rounded up to a power of two.");

static PyObject *py_start(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t wanted = DEFAULT_CAPACITY;
    if (!PyArg_ParseTuple(args, "|n:start", &wanted))
        return NULL;
    if (wanted < 1 || wanted > (Py_ssize_t)1 << 28)
        return PyErr_Format(PyExc_ValueError, "capacity=%zd is not between 1 and 2**28; pass how many events each thread keeps",
                            wanted);
    free_rings(detach_rings());
    for (capacity = 1; capacity < (uint64_t)wanted;)
        capacity *= 2;
    dropped = 0;
    enabled = 1;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(halt_doc, "halt() -> None\n\nStop recording; what was recorded stays until drain(), clear() or start().");

static PyObject *py_halt(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    enabled = 0;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(clear_doc, "clear() -> None\n\nForget all events and the dropped count. A forked child calls it: the events are its parent's.");

static PyObject *py_clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    free_rings(detach_rings());
    dropped = 0;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(dropped_doc, "dropped() -> int\n\nEvents lost since start() or clear(): overwritten, or emitted where no ring could be made.");

static PyObject *py_dropped(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromUnsignedLongLong(dropped);
}

/* The parameters of emit(), in order; the names are interned at import, so that a keyword is found by its address. */
enum { LAYER, KIND, ID, PARENT, BEGIN_NS, END_NS, BYTES, NAME, PARAMETERS };
static const char *const parameter_text[PARAMETERS] = {"layer",    "kind",   "id",    "parent",
                                                       "begin_ns", "end_ns", "bytes", "name"};
static PyObject *parameter_name[PARAMETERS];

static int parameter_index(PyObject *keyword)
{
    for (int i = 0; i < PARAMETERS; i++)
        if (parameter_name[i] == keyword)
            return i;
    for (int i = 0; i < PARAMETERS; i++)
        if (PyUnicode_CompareWithASCIIString(keyword, parameter_text[i]) == 0)
            return i;
    PyErr_Format(PyExc_TypeError, "emit() has no parameter %R", keyword);
    return -1;
}

/* Sort positional and keyword arguments into `value`, by parameter; the first three must be there. */
static int bind_arguments(PyObject *value[PARAMETERS], PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    if (count > PARAMETERS) {
        PyErr_Format(PyExc_TypeError, "emit() takes at most %d arguments, got %zd", PARAMETERS, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        value[i] = args[i];
    for (Py_ssize_t i = 0; keywords != NULL && i < PyTuple_GET_SIZE(keywords); i++) {
        int at = parameter_index(PyTuple_GET_ITEM(keywords, i));
        if (at < 0)
            return -1;
        if (value[at] != NULL) {
            PyErr_Format(PyExc_TypeError, "emit() got %s twice", parameter_text[at]);
            return -1;
        }
        value[at] = args[count + i];
    }
    for (int i = LAYER; i <= ID; i++)
        if (value[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "emit() needs %s", parameter_text[i]);
            return -1;
        }
    return 0;
}

static int check_str(PyObject *const value[PARAMETERS], int at)
{
    if (PyUnicode_CheckExact(value[at]))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s=%R is not a str; pass a constant string", parameter_text[at], value[at]);
    return -1;
}

PyDoc_STRVAR(emit_doc, "emit(layer, kind, id, parent=0, begin_ns=0, end_ns=0, bytes=0, name=None) -> None\n\n"
                       "Record one event of this thread; nothing while off. begin_ns=0 means now; end_ns=0 an instant.");

static PyObject *py_emit(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    if (!enabled)
        Py_RETURN_NONE;
    PyObject *value[PARAMETERS] = {NULL};
    if (bind_arguments(value, args, count, keywords) < 0)
        return NULL;
    if (value[NAME] == Py_None)
        value[NAME] = NULL;
    if (check_str(value, LAYER) < 0 || check_str(value, KIND) < 0 || (value[NAME] != NULL && check_str(value, NAME) < 0))
        return NULL;
    int64_t number[PARAMETERS] = {0};
    for (int i = ID; i <= BYTES; i++) {
        if (value[i] == NULL)
            continue;
        number[i] = PyLong_AsLongLong(value[i]);
        if (number[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    ring_emit(value[LAYER], value[KIND], number[ID], number[PARENT], number[BEGIN_NS] != 0 ? number[BEGIN_NS] : now_ns(),
              number[END_NS], number[BYTES], value[NAME]);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(now_doc, "now_ns() -> int\n\nThe clock of begin_ns and end_ns: CLOCK_MONOTONIC, the same in all processes.");

static PyObject *py_now(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLongLong(now_ns());
}

static PyMethodDef methods[] = {
    {"start", py_start, METH_VARARGS, start_doc},
    {"halt", py_halt, METH_NOARGS, halt_doc},
    {"clear", py_clear, METH_NOARGS, clear_doc},
    {"drain", py_drain, METH_NOARGS, drain_doc},
    {"dropped", py_dropped, METH_NOARGS, dropped_doc},
    {"emit", (PyCFunction)(void (*)(void))py_emit, METH_FASTCALL | METH_KEYWORDS, emit_doc},
    {"now_ns", py_now, METH_NOARGS, now_doc},
    {NULL, NULL, 0, NULL},
};

static const PlaitTrace_API api = {&enabled, ring_emit, now_ns};

static int exec_module(PyObject *module)
{
    for (int i = 0; i < PARAMETERS; i++)
        if (parameter_name[i] == NULL && (parameter_name[i] = PyUnicode_InternFromString(parameter_text[i])) == NULL)
            return -1;
    PyObject *capsule = PyCapsule_New((void *)&api, PLAIT_TRACE_CAPSULE, NULL);
    if (capsule == NULL)
        return -1;
    int failed = PyModule_AddObjectRef(module, "_C_API", capsule);
    Py_DECREF(capsule);
    return failed;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec_module},
#if PY_VERSION_HEX >= 0x030C0000
    /* The rings are the process's and rely on one GIL. */
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "plait.trace._ring",
    .m_doc = "Per-thread rings of trace events; see plait.trace.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__ring(void)
{
    return PyModuleDef_Init(&definition);
}
