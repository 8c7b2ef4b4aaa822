/* What a switch saves of CPython's thread state, and how a new greenlet's begins.
 *
 * The data stack, the handled exception, the context, the recursion depth and the C-stack bookkeeping belong to a
 * greenlet. Trace functions, the trashcan's list, the GIL-state counter and asynchronous exceptions stay with the
 * thread. Frames stay at valid addresses while parked, so nothing is exposed or copied per switch.
 */
#ifndef PLAIT_GREENLET_TSTATE_H
#define PLAIT_GREENLET_TSTATE_H

#include <string.h>

#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe_structs.h>
#include <internal/pycore_tstate.h>
#include <internal/pycore_pythonrun.h>
#include <internal/pycore_stackref.h>
#endif
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE

#define GL_PY311 (PY_VERSION_HEX < 0x030c0000)
#define GL_PY312 (PY_VERSION_HEX >= 0x030c0000 && PY_VERSION_HEX < 0x030d0000)
#define GL_PY313 (PY_VERSION_HEX >= 0x030d0000 && PY_VERSION_HEX < 0x030e0000)
#define GL_PY314 (PY_VERSION_HEX >= 0x030e0000)
#define GL_CFRAME (GL_PY311 || GL_PY312)
#define GL_COUNTS_C_RECURSION (GL_PY312 || GL_PY313)

/* The C++ runtime's per-thread exception state (Itanium C++ ABI, 2.2.2): a greenlet that switches inside a catch
 * block must find its own when it comes back. */
typedef struct {
    void *caught;
    unsigned int uncaught;
} gl_eh_globals;

typedef struct {
    _PyErr_StackItem *exc_info; /* the innermost exception being handled */
    _PyErr_StackItem exc_state; /* the bottom of that list, but for main greenlets */
    PyObject *context; /* strong, or NULL */
    _PyStackChunk *datastack_chunk;
    PyObject **datastack_top;
    PyObject **datastack_limit;
#if GL_CFRAME
    _PyCFrame *cframe; /* on the greenlet's C stack */
    int trash_delete_nesting;
#else
    struct _PyInterpreterFrame *current_frame;
#endif
    int py_recursion_depth;
#if GL_COUNTS_C_RECURSION
    int c_recursion_remaining;
#endif
#if GL_PY314
    PyObject *current_executor;
    uintptr_t c_stack_top, c_stack_soft_limit, c_stack_hard_limit;
#endif
    gl_eh_globals eh;
} gl_tstate;

static inline PyThreadState *
gl_tstate_current(void)
{
#if GL_PY311 || GL_PY312
    return _PyThreadState_UncheckedGet();
#else
    return PyThreadState_GetUnchecked();
#endif
}

#if GL_PY311
#define GL_PY_LIMIT(ts) ((ts)->recursion_limit)
#define GL_PY_REMAINING(ts) ((ts)->recursion_remaining)
#define GL_TRASH_NESTING(ts) ((ts)->trash_delete_nesting)
#else
#define GL_PY_LIMIT(ts) ((ts)->py_recursion_limit)
#define GL_PY_REMAINING(ts) ((ts)->py_recursion_remaining)
#if GL_PY312
#define GL_TRASH_NESTING(ts) ((ts)->trash.delete_nesting)
#endif
#endif

static inline void
gl_tstate_save(gl_tstate *to, PyThreadState *from)
{
    to->exc_info = from->exc_info;
    to->context = from->context;
    to->datastack_chunk = from->datastack_chunk;
    to->datastack_top = from->datastack_top;
    to->datastack_limit = from->datastack_limit;
    to->py_recursion_depth = GL_PY_LIMIT(from) - GL_PY_REMAINING(from);
#if GL_CFRAME
    to->cframe = from->cframe;
    to->trash_delete_nesting = GL_TRASH_NESTING(from);
#else
    to->current_frame = from->current_frame;
#endif
#if GL_COUNTS_C_RECURSION
    to->c_recursion_remaining = from->c_recursion_remaining;
#endif
#if GL_PY314
    to->current_executor = from->current_executor;
    _PyThreadStateImpl *impl = (_PyThreadStateImpl *)from;
    to->c_stack_top = impl->c_stack_top;
    to->c_stack_soft_limit = impl->c_stack_soft_limit;
    to->c_stack_hard_limit = impl->c_stack_hard_limit;
#endif
}

static inline void
gl_tstate_load(PyThreadState *to, gl_tstate *from)
{
    to->exc_info = from->exc_info;
    if (to->context != from->context) {
        to->context = from->context;
        to->context_ver++; /* invalidates the cache of every ContextVar */
    }
    from->context = NULL;
    to->datastack_chunk = from->datastack_chunk;
    to->datastack_top = from->datastack_top;
    to->datastack_limit = from->datastack_limit;
    GL_PY_REMAINING(to) = GL_PY_LIMIT(to) - from->py_recursion_depth;
#if GL_CFRAME
    to->cframe = from->cframe;
    GL_TRASH_NESTING(to) = from->trash_delete_nesting;
#else
    to->current_frame = from->current_frame;
#endif
#if GL_COUNTS_C_RECURSION
    to->c_recursion_remaining = from->c_recursion_remaining;
#endif
#if GL_PY314
    to->current_executor = from->current_executor;
    _PyThreadStateImpl *impl = (_PyThreadStateImpl *)to;
    impl->c_stack_top = from->c_stack_top;
    impl->c_stack_soft_limit = from->c_stack_soft_limit;
    impl->c_stack_hard_limit = from->c_stack_hard_limit;
#endif
}

/* The root chunk of a data stack, laid into memory of ours. data[0] stays unused, so that CPython, which frees a
 * chunk when its data[0] is popped, never frees this one. */
static inline void
gl_tstate_seed_datastack(gl_tstate *ts, char *begin, char *end)
{
    _PyStackChunk *chunk = (_PyStackChunk *)begin;
    chunk->previous = NULL;
    chunk->size = (size_t)(end - begin);
    chunk->top = 0;
    ts->datastack_chunk = chunk;
    ts->datastack_top = &chunk->data[1];
    ts->datastack_limit = (PyObject **)end;
}

#if GL_COUNTS_C_RECURSION
#if GL_PY312
#define GL_C_RECURSION_LIMIT C_RECURSION_LIMIT
#else
#define GL_C_RECURSION_LIMIT Py_C_RECURSION_LIMIT
#endif
/* C stack that one count of C recursion may use: measured 1.7 KiB through list.sort(), and less than a third of that
 * through 28 other ways from Python to C and back. */
#define GL_C_RECURSION_BYTES 2048
#endif

/* What a new greenlet starts with. The depth of Python recursion is its starter's, so that greenlets which start
 * greenlets without end meet RecursionError. [low, high) is its C stack. */
static inline void
gl_tstate_begin(gl_tstate *ts, PyThreadState *starter, char *low, char *high)
{
    ts->exc_state.exc_value = NULL;
    ts->exc_state.previous_item = NULL;
    ts->exc_info = &ts->exc_state;
    ts->py_recursion_depth = GL_PY_LIMIT(starter) - GL_PY_REMAINING(starter);
#if GL_CFRAME
    ts->cframe = NULL; /* set on the new stack */
    ts->trash_delete_nesting = 0;
#else
    ts->current_frame = NULL;
#endif
#if GL_COUNTS_C_RECURSION
    long room = (high - low) / GL_C_RECURSION_BYTES;
    ts->c_recursion_remaining = room < GL_C_RECURSION_LIMIT ? (int)room : GL_C_RECURSION_LIMIT;
#endif
#if GL_PY314
    ts->current_executor = NULL;
    ts->c_stack_top = (uintptr_t)high;
    ts->c_stack_hard_limit = (uintptr_t)low + _PyOS_STACK_MARGIN_BYTES;
    ts->c_stack_soft_limit = (uintptr_t)low + 2 * _PyOS_STACK_MARGIN_BYTES;
#endif
    (void)low;
    (void)high;
    ts->eh.caught = NULL;
    ts->eh.uncaught = 0;
}

/* Give back the chunks that CPython added to a data stack above `root`. */
static inline void
gl_free_chunks(_PyStackChunk *chunk, void *root)
{
    if ((void *)chunk == root) {
        return; /* and never ask for the allocator, which takes a lock */
    }
    PyObjectArenaAllocator arena;
    PyObject_GetArenaAllocator(&arena);
    while (chunk != NULL && (void *)chunk != root) {
        _PyStackChunk *previous = chunk->previous;
        arena.free(arena.ctx, chunk, chunk->size);
        chunk = previous;
    }
}

/* The innermost frame of a parked greenlet; `where` is what its cframe pointer points to (it lies on its stack). */
static inline struct _PyInterpreterFrame *
gl_tstate_top_frame(const gl_tstate *ts, const void *where)
{
#if GL_CFRAME
    (void)ts;
    return where == NULL ? NULL : ((const _PyCFrame *)where)->current_frame;
#else
    (void)where;
    return ts->current_frame;
#endif
}

/* The innermost frame of what runs now. */
static inline struct _PyInterpreterFrame *
gl_tstate_running_frame(const PyThreadState *tstate)
{
#if GL_CFRAME
    return tstate->cframe->current_frame;
#else
    return tstate->current_frame;
#endif
}

/* What a frame on a data stack owns, version by version: drop it, as CPython does when the frame returns. Values on
 * its evaluation stack are lost: up to 3.13 CPython does not write down how many there are. */
static inline void
gl_frame_clear(struct _PyInterpreterFrame *frame, int locals)
{
#if GL_PY314
    for (int i = 0; i < locals; i++) {
        PyStackRef_XCLOSE(frame->localsplus[i]);
    }
    Py_XDECREF(frame->f_locals);
    PyStackRef_XCLOSE(frame->f_funcobj);
    PyStackRef_XCLOSE(frame->f_executable);
#else
    for (int i = 0; i < locals; i++) {
        Py_XDECREF(frame->localsplus[i]);
    }
    Py_XDECREF(frame->f_locals);
#if GL_PY311
    Py_XDECREF((PyObject *)frame->f_func);
    Py_XDECREF((PyObject *)frame->f_code);
#elif GL_PY312
    Py_XDECREF(frame->f_funcobj);
    Py_XDECREF((PyObject *)frame->f_code);
#else
    Py_XDECREF(frame->f_funcobj);
    Py_XDECREF(frame->f_executable);
#endif
#endif
}

static inline PyCodeObject *
gl_frame_code(struct _PyInterpreterFrame *frame)
{
#if GL_PY314
    return (PyCodeObject *)PyStackRef_AsPyObjectBorrow(frame->f_executable);
#elif GL_PY313
    return (PyCodeObject *)frame->f_executable;
#else
    return frame->f_code;
#endif
}

/* A frame object outlives the data stack that its frame lies on: it takes the frame's contents over. */
static inline void
gl_frame_move_to_object(struct _PyInterpreterFrame *frame, int locals)
{
    PyFrameObject *object = frame->frame_obj;
    struct _PyInterpreterFrame *copy = (struct _PyInterpreterFrame *)object->_f_frame_data;
    memcpy(copy, frame, offsetof(struct _PyInterpreterFrame, localsplus) + (size_t)locals * sizeof(PyObject *));
    copy->owner = FRAME_OWNED_BY_FRAME_OBJECT;
    copy->previous = NULL;
#if GL_PY314
    copy->stackpointer = copy->localsplus + locals;
#else
    copy->stacktop = locals;
#endif
    object->f_frame = copy;
    if (!PyObject_GC_IsTracked((PyObject *)object)) {
        PyObject_GC_Track((PyObject *)object);
    }
    Py_DECREF((PyObject *)object); /* the frame's own reference */
}

/* Frames on the C stack mark an entry into the interpreter; they have no frame object. */
static inline bool
gl_frame_has_object(const struct _PyInterpreterFrame *frame)
{
    return frame->owner < 3 && frame->frame_obj != NULL; /* 3 and 4: owned by the C stack or the interpreter */
}

/* Whether it is a frame of Python code, not a mark of an entry into the interpreter. */
static inline bool
gl_frame_is_python(const struct _PyInterpreterFrame *frame)
{
    return frame->owner < 3;
}

#endif
