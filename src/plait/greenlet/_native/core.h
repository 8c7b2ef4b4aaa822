/* Layer 1's C contract: the objects, who may touch their fields, and what each file offers.
 *
 *   stack.c    slots of memory (a C stack and a Python data stack each), their reuse, eviction to the heap
 *   tstate.h   what a switch saves of CPython's thread state, a version of CPython at a time
 *   swap_*.h   the exchange of machine stacks, an architecture at a time
 *   thread.c   one gl_thread for each Python thread state that uses greenlets
 *   switch.c   the protocol: start, switch, throw, finish
 *   object.c   the Python type; api.c the C API; module.c the module
 *
 * Everything here runs under the GIL. A greenlet belongs, once started, to one gl_thread and is touched by
 * others only to read its state, to drop references, and to queue it for its owner to end.
 *
 * The states of a greenlet:
 *
 *   NEW      -> RUNNING            start: it gets a slot and calls run
 *   RUNNING  -> PARKED             it switches away
 *   PARKED   -> RUNNING            it is switched to
 *   PARKED   -> EVICTED            its slot is lent to another; its memory is an image on the heap
 *   EVICTED  -> PARKED             its image is copied back, to the same addresses
 *   RUNNING  -> DEAD               run has ended; the slot is freed by whoever runs next
 *   PARKED, EVICTED -> DEAD        abandoned: its thread is gone, or the interpreter ends
 *
 * A thread's main greenlet is RUNNING or PARKED, runs on the thread's own stack and has no slot.
 */
#ifndef PLAIT_GREENLET_CORE_H
#define PLAIT_GREENLET_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef Py_GIL_DISABLED
#error "plait.greenlet does not support free-threaded CPython yet; build with a CPython that has the GIL"
#endif
#if PY_VERSION_HEX < 0x030b0000 || PY_VERSION_HEX >= 0x030f0000
#error "plait.greenlet supports CPython 3.11 to 3.14"
#endif
#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))
#error "plait.greenlet supports Linux on x86-64 and aarch64 only"
#endif

#include "tstate.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

typedef struct gl_coro gl_coro;
typedef struct gl_thread gl_thread;
typedef struct gl_slot gl_slot;

/* The Python object. Its layout is an ABI: extensions compiled against greenlet.h subclass it. */
typedef struct {
    PyObject_HEAD
    PyObject *weakreflist;
    PyObject *dict;
    gl_coro *pimpl; /* never NULL between tp_new and tp_dealloc */
} PyGreenlet;

typedef enum { GL_NEW, GL_RUNNING, GL_PARKED, GL_EVICTED, GL_DEAD } gl_state;

struct gl_coro {
    void *sp; /* while PARKED: where swap left its registers, inside the slot (or the thread's own stack) */
    gl_thread *thread; /* the owner, a counted reference; NULL while NEW */
    PyGreenlet *self; /* borrowed: the object owns this structure */
    gl_state state;
    gl_tstate ts; /* while PARKED or EVICTED: its part of the thread state; its context also while NEW or DEAD */
    gl_slot *slot; /* where its stack is, or while EVICTED where it must return to; NULL for a main greenlet */
    PyObject *run; /* what to call, from creation (or start) to the end of the call */
    PyGreenlet *parent; /* strong; NULL only for a main greenlet, or when cleared by the collector */
    struct {
        char *bytes; /* while EVICTED: the heap image of [low, high) of the slot */
        char *low, *high;
    } image;
#ifdef PLAIT_ASAN
    const void *asan_low; /* of a main greenlet's own stack, learnt when it is first left */
    size_t asan_size;
#endif
};

/* One for each Python thread state that uses greenlets. Alive until that thread state is cleared. */
struct gl_thread {
    Py_ssize_t references; /* the binding to the thread state, and every started greenlet */
    PyThreadState *tstate; /* NULL once the thread has ended */
    uint64_t tstate_id; /* guards against a new thread state at an old address */
    gl_coro *current; /* running now; owns a reference to its object */
    PyGreenlet *main; /* strong */
    PyObject *tracefunc; /* strong, or NULL */
    PyObject *keeper; /* strong, or NULL; dropped first when the thread ends, while its greenlets can still run */
    struct {
        /* A switch in flight: set by who leaves, taken by who arrives. */
        PyObject *value; /* what arrives (arguments, where the target starts); NULL: the error that is set */
        PyObject *run, *kwargs; /* what to call and its keyword arguments, only where the target starts */
        gl_coro *origin; /* who left; owns the reference that `current` held */
        gl_slot *dying; /* the slot of an origin that has ended, freed on arrival */
        int use_tracing; /* 3.11: must be continuous across the switch */
        bool failed; /* eviction ran out of memory: the switch did not happen */
    } flight;
    struct {
        PyGreenlet **items; /* lost their last reference in another thread; ended here, strong */
        Py_ssize_t count, room;
    } orphans;
    gl_eh_globals *eh; /* this thread's C++ exception state, or NULL while no C++ runtime is loaded */
};

/* stack.c ------------------------------------------------------------------------------------------------ */

struct gl_slot {
    char *low; /* lowest address the C stack may use; the guard is below */
    char *base; /* the C stack grows down from here, the data stack up; 16-byte aligned */
    char *high; /* end of the data stack */
    gl_coro *occupant; /* whose memory is in it now; NULL while free or vacant */
    gl_thread *thread; /* of all its tenants, so that an occupant that runs is always the caller's own */
    Py_ssize_t tenants; /* greenlets that live here: the occupant and those evicted from it */
    gl_slot *next; /* free list, LIFO */
    uint32_t uses; /* since the C stack's depth was last given back */
};

typedef struct {
    Py_ssize_t slots, used, mappings, evictions, restores, slot_bytes, max_stacks;
    const char *guard;
} gl_stack_stats;

/* Read PLAIT_STACK_SIZE, PLAIT_MAX_STACKS, PLAIT_GUARD. -1 with ValueError that names what is wrong. */
int gl_stack_init(void);
/* A slot for `tenant`, which `thread` is about to start. May evict a parked greenlet. NULL with MemoryError. */
gl_slot *gl_slot_acquire(gl_thread *thread, gl_coro *tenant);
/* `tenant` needs its slot no more (it ended, or was abandoned). */
void gl_slot_release(gl_slot *slot, gl_coro *tenant);
/* Move a PARKED greenlet to the heap. -1 without an exception set where memory runs out. */
int gl_evict(gl_coro *coro);
/* Bring an EVICTED greenlet back; its slot must be vacant. Cannot fail. */
void gl_restore(gl_coro *coro);
/* Where `address` of an evicted greenlet's slot lies now. */
void *gl_image_address(const gl_coro *coro, void *address);
/* A small stack of nobody, to stand on while two greenlets exchange one slot. */
#define GL_AUXILIARY_BYTES ((size_t)64 * 1024)
char *gl_auxiliary_stack(void); /* its high end */
void gl_stack_get_stats(gl_stack_stats *stats);
/* A debug build can be told to fail the n-th allocation: true where the one about to be made is that. */
bool gl_allocation_fails(void);
void gl_fail_allocation(Py_ssize_t n);
void *gl_malloc(size_t size);
bool gl_evict_always(void);

/* thread.c ----------------------------------------------------------------------------------------------- */

extern __thread gl_thread *gl_bound_thread __attribute__((tls_model("initial-exec")));

gl_thread *gl_thread_bind(PyThreadState *tstate); /* NULL with an exception */
void gl_thread_end_orphans(gl_thread *thread);
/* Queue a greenlet that lost its last reference in a foreign thread; steals a reference. */
int gl_thread_add_orphan(gl_thread *thread, PyGreenlet *self);
void gl_thread_unref(gl_thread *thread);
Py_ssize_t gl_thread_count(void); /* main greenlets alive, for leak checks */
void gl_thread_find_eh_globals(gl_thread *thread);

/* The calling thread's gl_thread, made on first use; NULL with an exception. */
static inline gl_thread *
gl_thread_get(void)
{
    gl_thread *thread = gl_bound_thread;
    PyThreadState *tstate = gl_tstate_current();
    if (UNLIKELY(thread == NULL || thread->tstate != tstate || thread->tstate_id != tstate->id)) {
        thread = gl_thread_bind(tstate);
        if (thread == NULL) {
            return NULL;
        }
    }
    if (UNLIKELY(thread->orphans.count != 0)) {
        gl_thread_end_orphans(thread);
    }
    return thread;
}

/* switch.c ----------------------------------------------------------------------------------------------- */

/* Send `args` and `kwargs` (stolen; args NULL: the error that is set) to `to`, or where that is dead to the first
 * of its parents that is not. Returns what comes back when somebody switches to the caller again. */
PyObject *gl_send(gl_thread *thread, gl_coro *to, PyObject *args, PyObject *kwargs);
/* Begin a NEW greenlet by run() (borrowed); one that is not NEW, or of another thread, is greenlet.error. */
PyObject *gl_start(gl_thread *thread, gl_coro *to, PyObject *run);
/* The fast half of gl_send: `to` is PARKED, of this thread, not current. Steals value. */
PyObject *gl_resume(gl_thread *thread, gl_coro *to, PyObject *value);
/* GreenletExit set: clear it and return its value. Any other error: NULL, left set. */
PyObject *gl_exit_value(void);
/* The first complete frame of a PARKED or EVICTED greenlet, as a new reference; NULL where there is none. */
PyObject *gl_frame(gl_coro *coro);
/* Bytes of C stack that a PARKED or EVICTED greenlet holds; 0 for others. */
size_t gl_stack_in_use(const gl_coro *coro);
/* End without running any of its code: drop what its frames hold, give back stack and chunks. */
void gl_abandon(gl_coro *coro);

static inline bool
gl_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* Find the trace's ring; -1 with ImportError. Every switch is an event while somebody listens. */
int gl_switch_init(void);

/* object.c ----------------------------------------------------------------------------------------------- */

extern PyTypeObject PyGreenlet_Type;
extern PyObject *gl_Error, *gl_Exit; /* greenlet.error, greenlet.GreenletExit */
int gl_type_ready(void);
PyGreenlet *gl_new_main(gl_thread *thread);
PyGreenlet *gl_new(PyObject *run, PyGreenlet *parent);
PyGreenlet *gl_getcurrent(void); /* a new reference; NULL with RuntimeError while the interpreter ends */
PyObject *gl_switch(PyGreenlet *self, PyObject *args, PyObject *kwargs); /* borrows */
PyObject *gl_throw(PyGreenlet *self, PyObject *type, PyObject *value, PyObject *traceback); /* borrows */
int gl_set_parent(PyGreenlet *self, PyObject *parent);

#define PyGreenlet_Check(op) PyObject_TypeCheck(op, &PyGreenlet_Type)

static inline bool gl_is_main(const gl_coro *c) { return c->thread != NULL && c->thread->main == c->self; }
static inline bool gl_is_started(const gl_coro *c) { return c->state != GL_NEW; }
static inline bool gl_is_active(const gl_coro *c) { return c->state != GL_NEW && c->state != GL_DEAD; }
static inline bool gl_thread_ended(const gl_coro *c) { return c->thread != NULL && c->thread->tstate == NULL; }

/* api.c -------------------------------------------------------------------------------------------------- */

PyObject *gl_make_api(void); /* the capsule greenlet._C_API */
PyObject *gl_make_layer_api(void); /* the capsule of layer.h */

#ifdef PLAIT_DEBUG
#define GL_CHECK(condition) \
    ((condition) ? (void)0 : Py_FatalError("plait.greenlet: " #condition " does not hold"))
#else
#define GL_CHECK(condition) ((void)0)
#endif

#endif
