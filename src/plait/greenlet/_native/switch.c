/* The protocol of a switch.
 *
 *   1. the value is ready before anything moves (an error to throw is set in the thread state)
 *   2. the target is found: of this thread; where it is dead, the first of its parents that is not
 *   3. a target that was never started fetches `run` first: that may run Python code, which may switch, so the
 *      state is looked at again afterwards; then it gets a slot
 *   4. an evicted target is brought back
 *   5. who leaves saves its part of the thread state, takes a reference to the target, writes thread->flight, swaps
 *   6. who arrives loads its own part, takes the value, frees the slot of an origin that has ended, and last, since
 *      it may run Python code, drops the reference to the origin
 *
 * Nothing after step 5 can fail, and nothing between 4 and 6 runs Python code.
 */
#include "core.h"
#include "ring.h"
#include "swap.h"

#include <pthread.h>
#include <stdlib.h>

#ifdef PLAIT_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

_Noreturn void gl_bootstrap(gl_coro *self) __attribute__((visibility("hidden"), used));
_Noreturn void gl_exchange(gl_thread *thread) __attribute__((visibility("hidden"), used));
GL_DEFINE_ENTRY(gl_entry, gl_bootstrap);
GL_DEFINE_ENTRY(gl_exchange_entry, gl_exchange);

/* Trace --------------------------------------------------------------------------------------------------- */

static const PlaitTrace_API *trace;
static const int trace_off = 0;
static const int *trace_enabled = &trace_off;
static PyObject *layer_name, *switch_kind, *throw_kind;

int
gl_switch_init(void)
{
    trace = PlaitTrace_Import();
    layer_name = PyUnicode_InternFromString("greenlet");
    switch_kind = PyUnicode_InternFromString("switch");
    throw_kind = PyUnicode_InternFromString("throw");
    if (trace == NULL || layer_name == NULL || switch_kind == NULL || throw_kind == NULL) {
        return -1;
    }
    trace_enabled = trace->enabled;
    return 0;
}

/* The ids are those of the two objects: who runs next, and who was left. */
static __attribute__((noinline)) void
record_switch(const gl_coro *from, const gl_coro *to, bool throws)
{
    int64_t now = trace->now_ns();
    trace->emit(layer_name, throws ? throw_kind : switch_kind, (int64_t)(intptr_t)to->self, (int64_t)(intptr_t)from->self,
                now, 0, 0, NULL);
}

/* Leaving and arriving ------------------------------------------------------------------------------------ */

/* `last`: `from` has ended, and nobody will switch to it again. */
static inline __attribute__((always_inline)) void
depart(gl_thread *thread, gl_coro *from, gl_coro *to, PyObject *value, bool last)
{
    GL_CHECK(from == thread->current && from->state == GL_RUNNING);
    GL_CHECK(to->state == GL_PARKED || to->state == GL_NEW);
    GL_CHECK(thread->flight.origin == NULL && thread->flight.dying == NULL);
    GL_CHECK((value != NULL) != (PyErr_Occurred() != NULL));
    if (UNLIKELY(*trace_enabled)) {
        record_switch(from, to, value == NULL);
    }
    gl_tstate_save(&from->ts, thread->tstate);
    if (UNLIKELY(thread->eh != NULL)) {
        from->ts.eh = *thread->eh;
    }
#if GL_PY311
    thread->flight.use_tracing = thread->tstate->cframe->use_tracing;
#endif
    from->state = GL_PARKED;
    if (last) {
        gl_free_chunks(from->ts.datastack_chunk, from->slot->base);
        from->state = GL_DEAD;
        thread->flight.dying = from->slot;
        from->slot = NULL;
    }
    to->state = GL_RUNNING;
    Py_INCREF((PyObject *)to->self);
    thread->flight.value = value;
    thread->flight.origin = from;
    thread->current = to;
}

/* Call the trace function. The value, or NULL with an error where that raised. Steals value. */
static PyObject *
call_trace(gl_thread *thread, gl_coro *origin, gl_coro *target, PyObject *value)
{
    PyObject *function = Py_NewRef(thread->tracefunc);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyThreadState_EnterTracing(thread->tstate);
    PyObject *result = PyObject_CallFunction(function, "s(OO)", value != NULL ? "switch" : "throw", origin->self, target->self);
    PyThreadState_LeaveTracing(thread->tstate);
    Py_DECREF(function);
    if (result == NULL) {
        /* A trace function that raises is removed; its error arrives in place of what was sent. */
        Py_CLEAR(thread->tracefunc);
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
        Py_CLEAR(value);
        return NULL;
    }
    Py_DECREF(result);
    PyErr_Restore(type, error, traceback);
    return value;
}

static inline gl_coro *
take_flight(gl_thread *thread)
{
    gl_coro *origin = thread->flight.origin;
    thread->flight.origin = NULL;
    if (UNLIKELY(thread->flight.dying != NULL)) {
        gl_slot_release(thread->flight.dying, origin);
        thread->flight.dying = NULL;
    }
    return origin;
}

static inline PyObject *
arrive(gl_thread *thread, gl_coro *self)
{
    GL_CHECK(thread->current == self && self->state == GL_RUNNING);
    gl_tstate_load(thread->tstate, &self->ts);
    if (UNLIKELY(thread->eh != NULL)) {
        *thread->eh = self->ts.eh;
    }
#if GL_PY311
    thread->tstate->cframe->use_tracing = thread->flight.use_tracing;
#endif
    PyObject *value = thread->flight.value;
    gl_coro *origin = take_flight(thread);
    if (UNLIKELY(thread->tracefunc != NULL)) {
        value = call_trace(thread, origin, self, value);
    }
    Py_DECREF((PyObject *)origin->self);
    return value;
}

/* AddressSanitizer follows the stack that the program stands on: it is told before and after each swap. */
typedef struct {
    void *fake; /* its own side of the stack that is left */
} fiber;

#ifdef PLAIT_ASAN
static inline void
leave_fiber(fiber *left, const void *low, size_t size)
{
    __sanitizer_start_switch_fiber(left != NULL ? &left->fake : NULL, low, size);
}

static inline void
leave_fiber_for(fiber *left, const gl_coro *to)
{
    gl_slot *slot = to->slot;
    leave_fiber(left, slot != NULL ? slot->low : to->asan_low, slot != NULL ? (size_t)(slot->base - slot->low) : to->asan_size);
}

static inline void
enter_fiber(const fiber *entered, gl_coro *origin)
{
    __sanitizer_finish_switch_fiber(entered != NULL ? entered->fake : NULL, &origin->asan_low, &origin->asan_size);
}
#else
#define leave_fiber(left, low, size) ((void)(left))
#define leave_fiber_for(left, to) ((void)(left))
#define enter_fiber(entered, origin) ((void)(entered))
#endif

static inline __attribute__((always_inline)) void
swap(gl_thread *thread, gl_coro *from, gl_coro *to)
{
    fiber own;
    leave_fiber_for(thread->flight.dying != NULL ? NULL : &own, to);
    gl_swap(&from->sp, to->sp);
    enter_fiber(&own, thread->flight.origin);
}

static void
debug_evict(gl_thread *thread, gl_coro *spare)
{
#ifdef PLAIT_DEBUG
    /* Move whoever was just left, so that every later switch to it restores. */
    gl_coro *origin = thread->flight.origin;
    if (gl_evict_always() && origin != NULL && origin->state == GL_PARKED && origin->slot != NULL && origin != spare) {
        (void)gl_evict(origin);
    }
#else
    (void)thread;
    (void)spare;
#endif
}

static inline __attribute__((always_inline)) PyObject *
resume(gl_thread *thread, gl_coro *to, PyObject *value, bool last)
{
    gl_coro *from = thread->current;
    depart(thread, from, to, value, last);
    swap(thread, from, to);
    debug_evict(thread, from);
    return arrive(thread, from);
}

PyObject *
gl_resume(gl_thread *thread, gl_coro *to, PyObject *value)
{
    return resume(thread, to, value, false);
}

/* Evicted targets ----------------------------------------------------------------------------------------- */

/* On the auxiliary stack: the current greenlet stands in the slot that its target must return to. */
_Noreturn void
gl_exchange(gl_thread *thread)
{
    gl_coro *from = thread->flight.origin, *to = thread->current;
    void *scratch;
    enter_fiber(NULL, from);
    if (from->state == GL_DEAD) {
        to->slot->occupant = NULL;
    }
    else if (gl_evict(from) < 0) {
        thread->flight.failed = true;
        leave_fiber_for(NULL, from);
        gl_swap(&scratch, from->sp);
        __builtin_unreachable();
    }
    to->state = GL_EVICTED; /* depart called it running */
    gl_restore(to);
    to->state = GL_RUNNING;
    leave_fiber_for(NULL, to);
    gl_swap(&scratch, to->sp);
    __builtin_unreachable();
}

/* Undo a departure that was not the last: the switch did not happen. */
static PyObject *
undo_departure(gl_thread *thread, gl_coro *from)
{
    gl_coro *to = thread->current;
    thread->flight.failed = false;
    thread->flight.origin = NULL;
    thread->current = from;
    from->state = GL_RUNNING;
    to->state = GL_EVICTED;
    gl_tstate_load(thread->tstate, &from->ts);
    Py_CLEAR(thread->flight.value);
    Py_DECREF((PyObject *)to->self);
    return PyErr_NoMemory();
}

static PyObject *
exchange_slots(gl_thread *thread, gl_coro *to, PyObject *value, bool last)
{
    char *high = gl_auxiliary_stack();
    if (high == NULL) {
        Py_XDECREF(value);
        return PyErr_NoMemory();
    }
    gl_coro *from = thread->current;
    to->state = GL_PARKED;
    depart(thread, from, to, value, last);
    fiber own;
    leave_fiber(last ? NULL : &own, high - GL_AUXILIARY_BYTES, GL_AUXILIARY_BYTES);
    gl_swap(&from->sp, gl_swap_prepare(high, gl_exchange_entry, thread));
    enter_fiber(&own, thread->flight.origin);
    if (UNLIKELY(thread->flight.failed)) {
        return undo_departure(thread, from);
    }
    debug_evict(thread, from);
    return arrive(thread, from);
}

static PyObject *
resume_evicted(gl_thread *thread, gl_coro *to, PyObject *value, bool last)
{
    gl_coro *occupant = to->slot->occupant;
    if (occupant == thread->current) {
        return exchange_slots(thread, to, value, last);
    }
    if (occupant != NULL && gl_evict(occupant) < 0) {
        Py_XDECREF(value);
        return PyErr_NoMemory();
    }
    gl_restore(to);
    return resume(thread, to, value, last);
}

/* Starting ------------------------------------------------------------------------------------------------ */

/* What to call, a new reference. May run Python code, which may start this very greenlet. */
static PyObject *
fetch_run(gl_coro *coro)
{
    if (Py_TYPE(coro->self) == &PyGreenlet_Type && coro->run != NULL) {
        return Py_NewRef(coro->run);
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *run = PyObject_GetAttrString((PyObject *)coro->self, "run");
    if (run == NULL) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        return NULL;
    }
    PyErr_Restore(type, value, traceback);
    return run;
}

/* `run` has been fetched and the greenlet is still NEW: nothing below runs Python code until it begins. */
static PyObject *
start(gl_thread *thread, gl_coro *to, PyObject *run, PyObject *args, PyObject *kwargs, bool last)
{
    gl_coro *from = thread->current;
    gl_slot *slot = gl_slot_acquire(thread, to);
    if (slot == NULL) {
        Py_DECREF(run);
        Py_XDECREF(args);
        Py_XDECREF(kwargs);
        return NULL;
    }
    to->slot = slot;
    to->thread = thread;
    thread->references++;
    gl_tstate_begin(&to->ts, thread->tstate, slot->low, slot->base);
    gl_tstate_seed_datastack(&to->ts, slot->base, slot->high);
    to->sp = gl_swap_prepare(slot->base, gl_entry, to);
    depart(thread, from, to, args, last);
    thread->flight.run = run;
    thread->flight.kwargs = kwargs;
    swap(thread, from, to);
    debug_evict(thread, from);
    return arrive(thread, from);
}

static PyObject *
call_run(gl_coro *self, PyObject *args, PyObject *kwargs)
{
    PyObject *result;
    if (kwargs == NULL) {
        result = PyObject_Vectorcall(self->run, ((PyTupleObject *)args)->ob_item, (size_t)PyTuple_GET_SIZE(args), NULL);
    }
    else {
        result = PyObject_Call(self->run, args, kwargs);
    }
    Py_DECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

PyObject *
gl_exit_value(void)
{
    if (!PyErr_ExceptionMatches(gl_Exit)) {
        return NULL;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value != NULL ? value : Py_NewRef(Py_None);
}

static PyObject *send(gl_thread *thread, gl_coro *to, PyObject *args, PyObject *kwargs, bool last);

/* Leave for good: the result goes to the parent. Where that cannot be reached, the error says why to the next one. */
_Noreturn static void
finish(gl_thread *thread, gl_coro *self, PyObject *result)
{
    if (result == NULL) {
        result = gl_exit_value();
    }
    Py_CLEAR(self->run); /* may run Python code, as may fetching `run` of a parent that was never started */
    gl_coro *first = self->parent != NULL ? self->parent->pimpl : NULL;
    if (LIKELY(first != NULL && first->state == GL_PARKED && first->thread == thread)) {
        (void)resume(thread, first, result, true);
        __builtin_unreachable();
    }
    PyObject *args = result != NULL ? PyTuple_Pack(1, result) : NULL;
    Py_XDECREF(result);
    for (PyGreenlet *parent = self->parent; parent != NULL; parent = parent->pimpl->parent) {
        (void)send(thread, parent->pimpl, args, NULL, true);
        args = NULL;
    }
    PyErr_WriteUnraisable((PyObject *)self->self);
    Py_FatalError("plait.greenlet: a greenlet has ended and none of its parents can be switched to");
}

_Noreturn void
gl_bootstrap(gl_coro *self)
{
    gl_thread *thread = self->thread;
    enter_fiber(NULL, thread->flight.origin);
#if GL_CFRAME
    _PyCFrame cframe = {.previous = &thread->tstate->root_cframe};
    self->ts.cframe = &cframe;
#endif
    debug_evict(thread, self);
    PyObject *kwargs = thread->flight.kwargs;
    PyObject *constructed_with = self->run; /* not what is called, where a subclass has a run of its own */
    self->run = thread->flight.run;
    PyObject *args = arrive(thread, self);
    Py_XDECREF(constructed_with);
    PyObject *result = NULL;
    if (args != NULL) {
        result = call_run(self, args, kwargs);
    }
    else {
        Py_XDECREF(kwargs); /* the trace function raised */
    }
    finish(thread, self, result);
}

/* Sending ------------------------------------------------------------------------------------------------- */

/* What a switch with these arguments returns: (x,) -> x, () and {k: v} -> {k: v}, both -> (args, kwargs). Steals. */
static PyObject *
flatten(PyObject *args, PyObject *kwargs)
{
    if (args == NULL) {
        return NULL;
    }
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        if (PyTuple_GET_SIZE(args) == 0) {
            Py_DECREF(args);
            return kwargs;
        }
        PyObject *both = PyTuple_Pack(2, args, kwargs);
        Py_DECREF(args);
        Py_DECREF(kwargs);
        return both;
    }
    Py_XDECREF(kwargs);
    if (PyTuple_GET_SIZE(args) == 1) {
        PyObject *value = Py_NewRef(PyTuple_GET_ITEM(args, 0));
        Py_DECREF(args);
        return value;
    }
    return args;
}

/* The thread that a greenlet belongs to, or, never started, would start in. NULL: its lineage is broken. */
static gl_thread *
lineage_thread(const gl_coro *coro)
{
    while (coro->thread == NULL) {
        if (coro->parent == NULL) {
            return NULL;
        }
        coro = coro->parent->pimpl;
    }
    return coro->thread;
}

static int
check_reachable(gl_thread *thread, const gl_coro *to)
{
    gl_thread *owner = lineage_thread(to);
    if (LIKELY(owner == thread)) {
        return 0;
    }
    if (owner == NULL) {
        PyErr_SetString(gl_Error, "cannot switch to a garbage collected greenlet");
    }
    else if (owner->tstate == NULL) {
        PyErr_SetString(gl_Error, "cannot switch to a different thread (which happens to have exited)");
    }
    else {
        PyErr_Format(gl_Error, "Cannot switch to a different thread\n\tCurrent:  %R\n\tExpected: %R", thread->main, owner->main);
    }
    return -1;
}

/* A switch to the current greenlet returns what it sends. */
static PyObject *
send_to_current(gl_thread *thread, gl_coro *self, PyObject *value)
{
    return thread->tracefunc != NULL ? call_trace(thread, self, self, value) : value;
}

static PyObject *
send_started(gl_thread *thread, gl_coro *to, PyObject *args, PyObject *kwargs, bool last)
{
    PyObject *value = flatten(args, kwargs);
    if (args != NULL && value == NULL) {
        return NULL;
    }
    if (to->state == GL_PARKED) {
        return resume(thread, to, value, last);
    }
    if (to->state == GL_EVICTED) {
        return resume_evicted(thread, to, value, last);
    }
    GL_CHECK(to == thread->current);
    return send_to_current(thread, to, value);
}

static PyObject *
send(gl_thread *thread, gl_coro *to, PyObject *args, PyObject *kwargs, bool last)
{
    if (check_reachable(thread, to) < 0) {
        goto failed;
    }
    while (to->state == GL_DEAD || to->state == GL_NEW) {
        if (to->state == GL_NEW) {
            PyObject *run = fetch_run(to);
            if (run == NULL || check_reachable(thread, to) < 0) {
                Py_XDECREF(run);
                goto failed;
            }
            if (to->state == GL_NEW) {
                return start(thread, to, run, args, kwargs, last);
            }
            Py_DECREF(run); /* started meanwhile */
            continue;
        }
        if (to->parent == NULL) {
            PyErr_SetString(gl_Error, "cannot switch to a garbage collected greenlet");
            goto failed;
        }
        to = to->parent->pimpl;
    }
    return send_started(thread, to, args, kwargs, last);
failed:
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return NULL;
}

PyObject *
gl_send(gl_thread *thread, gl_coro *to, PyObject *args, PyObject *kwargs)
{
    return send(thread, to, args, kwargs, false);
}

PyObject *
gl_start(gl_thread *thread, gl_coro *to, PyObject *run)
{
    PyObject *args = PyTuple_New(0); /* the one there is: allocates nothing */
    if (args == NULL || check_reachable(thread, to) < 0) {
        Py_XDECREF(args);
        return NULL;
    }
    if (to->state != GL_NEW) {
        Py_DECREF(args);
        PyErr_SetString(gl_Error, "cannot start a greenlet that has begun before");
        return NULL;
    }
    return start(thread, to, Py_NewRef(run), args, NULL, false);
}

/* Looking at parked greenlets, and giving them up ---------------------------------------------------------- */

static struct _PyInterpreterFrame *
top_frame(const gl_coro *coro)
{
    const void *cframe = NULL;
#if GL_CFRAME
    cframe = coro->state == GL_EVICTED ? gl_image_address(coro, coro->ts.cframe) : coro->ts.cframe;
#endif
    return gl_tstate_top_frame(&coro->ts, cframe);
}

PyObject *
gl_frame(gl_coro *coro)
{
    if (coro->state != GL_PARKED && coro->state != GL_EVICTED) {
        return NULL;
    }
    PyThreadState *tstate = gl_tstate_current();
    int collecting = PyGC_Disable(); /* a collection would run code with the wrong frame in place */
#if GL_CFRAME
    _PyCFrame looking = {.current_frame = top_frame(coro)};
    _PyCFrame *saved = tstate->cframe;
    tstate->cframe = &looking;
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(tstate);
    tstate->cframe = saved;
#else
    struct _PyInterpreterFrame *saved = tstate->current_frame;
    tstate->current_frame = top_frame(coro);
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(tstate);
    tstate->current_frame = saved;
#endif
    if (collecting) {
        PyGC_Enable();
    }
    return frame;
}

/* The end of an OS thread's own stack. */
static char *
thread_stack_end(const gl_thread *thread)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np((pthread_t)thread->tstate->thread_id, &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    return (char *)low + size;
}

size_t
gl_stack_in_use(const gl_coro *coro)
{
    if ((coro->state != GL_PARKED && coro->state != GL_EVICTED) || coro->thread->tstate == NULL) {
        return 0;
    }
    char *end = coro->slot != NULL ? coro->slot->base : thread_stack_end(coro->thread);
    return end > (char *)coro->sp ? (size_t)(end - (char *)coro->sp) : 0;
}

static void
release_frames(struct _PyInterpreterFrame *frame)
{
    while (frame != NULL) {
        struct _PyInterpreterFrame *previous = frame->previous;
        if (frame->owner == FRAME_OWNED_BY_GENERATOR) {
            frame->previous = NULL; /* it is the generator's, and leads into the stack */
        }
        else if (frame->owner == FRAME_OWNED_BY_THREAD) {
            int locals = gl_frame_code(frame)->co_nlocalsplus;
            if (frame->frame_obj != NULL) {
                gl_frame_move_to_object(frame, locals);
            }
            else {
                gl_frame_clear(frame, locals);
            }
        }
        frame = previous;
    }
}

void
gl_abandon(gl_coro *coro)
{
    if (coro->state != GL_PARKED && coro->state != GL_EVICTED) {
        return;
    }
    struct _PyInterpreterFrame *top = top_frame(coro);
    gl_slot *slot = coro->slot;
    coro->state = GL_DEAD;
    coro->slot = NULL;
    if (slot == NULL || gl_is_finalizing()) {
        return; /* a main greenlet; or everything ends, and objects are not to be touched */
    }
    release_frames(top);
    gl_free_chunks(coro->ts.datastack_chunk, slot->base);
    free(coro->image.bytes); /* NULL unless it was evicted */
    coro->image.bytes = NULL;
    gl_slot_release(slot, coro);
}
