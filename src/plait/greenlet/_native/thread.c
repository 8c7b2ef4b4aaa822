/* The gl_thread of each Python thread state that uses greenlets: bound on first use, ended with the thread state.
 *
 * A capsule in the thread state's dict owns the binding. CPython drops that dict when it clears the thread state: when
 * the thread ends, for every other thread in a forked child, and for daemon threads at shutdown. So the end is told
 * with the GIL held and needs no pending call. A thread-local pointer is the short way to the same structure.
 */
#include "core.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define CAPSULE_NAME "plait.greenlet.thread"

__thread gl_thread *gl_bound_thread __attribute__((tls_model("initial-exec"))) = NULL;
/* Code that runs while its own thread state is being cleared must not bind it once more: nobody would end that. */
static __thread struct {
    PyThreadState *tstate; /* another may get its address, */
    uint64_t id; /* unique in its interpreter alone, */
    int64_t interpreter; /* which is never numbered again */
} ended __attribute__((tls_model("initial-exec")));
static Py_ssize_t thread_count;

Py_ssize_t
gl_thread_count(void)
{
    return thread_count;
}

void
gl_thread_unref(gl_thread *thread)
{
    if (--thread->references == 0) {
        GL_CHECK(thread->tstate == NULL);
        free(thread->orphans.items);
        free(thread);
    }
}

static void
end_main(gl_thread *thread)
{
    PyGreenlet *main = thread->main;
    gl_coro *current = thread->current;
    thread->main = NULL;
    thread->current = NULL;
    /* A thread that died in another greenlet, in C and for good: its stack may still be stood on, so it stays. */
    current->slot = NULL;
    current->state = GL_DEAD;
    main->pimpl->state = GL_DEAD;
    Py_XDECREF((PyObject *)current->self);
    Py_DECREF((PyObject *)main);
}

/* The thread state is being cleared. Its parked greenlets can never run again; each is given back when it is dropped. */
static void
end_thread(PyObject *capsule)
{
    gl_thread *thread = PyCapsule_GetPointer(capsule, CAPSULE_NAME);
    if (thread == NULL) {
        PyErr_WriteUnraisable(capsule);
        return;
    }
    Py_CLEAR(thread->keeper);
    if (gl_bound_thread == thread) {
        if (!gl_is_finalizing()) {
            gl_thread_end_orphans(thread); /* in the thread itself: their finally blocks can still run */
        }
        gl_bound_thread = NULL;
        ended.tstate = thread->tstate;
        ended.id = thread->tstate_id;
        ended.interpreter = PyInterpreterState_GetID(thread->tstate->interp);
    }
    thread->tstate = NULL;
    thread_count--;
    Py_CLEAR(thread->tracefunc);
    while (thread->orphans.count > 0) {
        PyGreenlet *orphan = thread->orphans.items[--thread->orphans.count];
        Py_DECREF((PyObject *)orphan); /* its thread has ended: it is abandoned */
    }
    end_main(thread);
    gl_thread_unref(thread);
}

static gl_thread *
new_thread(PyThreadState *tstate)
{
    gl_thread *thread = gl_malloc(sizeof *thread);
    if (thread == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memset(thread, 0, sizeof *thread);
    thread->references = 1;
    thread->tstate = tstate;
    thread->tstate_id = tstate->id;
    thread->main = gl_new_main(thread);
    if (thread->main == NULL) {
        free(thread);
        return NULL;
    }
    thread->current = thread->main->pimpl;
    Py_INCREF((PyObject *)thread->main);
    gl_thread_find_eh_globals(thread);
    return thread;
}

static gl_thread *
bind_new(PyThreadState *tstate, PyObject *dict)
{
    gl_thread *thread = new_thread(tstate);
    if (thread == NULL) {
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(thread, CAPSULE_NAME, NULL);
    if (capsule == NULL || PyDict_SetItemString(dict, CAPSULE_NAME, capsule) < 0) {
        Py_XDECREF(capsule);
        thread->tstate = NULL;
        end_main(thread);
        gl_thread_unref(thread);
        return NULL;
    }
    PyCapsule_SetDestructor(capsule, end_thread);
    Py_DECREF(capsule);
    thread_count++;
    return thread;
}

gl_thread *
gl_thread_bind(PyThreadState *tstate)
{
    if (UNLIKELY(tstate == ended.tstate && tstate->id == ended.id &&
                 PyInterpreterState_GetID(tstate->interp) == ended.interpreter)) {
        PyErr_SetString(gl_Error, "this thread is ending: its greenlets are gone");
        return NULL;
    }
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    /* Callers may carry an exception to throw. */
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *capsule = PyDict_GetItemString(dict, CAPSULE_NAME);
    gl_thread *thread = capsule != NULL ? PyCapsule_GetPointer(capsule, CAPSULE_NAME) : bind_new(tstate, dict);
    if (thread != NULL) {
        gl_bound_thread = thread;
        PyErr_Restore(type, value, traceback);
    }
    else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    return thread;
}

/* Orphans ------------------------------------------------------------------------------------------------- */

int
gl_thread_add_orphan(gl_thread *thread, PyGreenlet *self)
{
    if (thread->orphans.count == thread->orphans.room) {
        Py_ssize_t room = thread->orphans.room ? thread->orphans.room * 2 : 8;
        PyGreenlet **items = realloc(thread->orphans.items, (size_t)room * sizeof *items);
        if (items == NULL) {
            return -1;
        }
        thread->orphans.items = items;
        thread->orphans.room = room;
    }
    thread->orphans.items[thread->orphans.count++] = self;
    return 0;
}

void
gl_thread_end_orphans(gl_thread *thread)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    while (thread->orphans.count > 0) {
        PyGreenlet *orphan = thread->orphans.items[--thread->orphans.count];
        Py_DECREF((PyObject *)orphan); /* may run its finally blocks, and switch */
    }
    PyErr_Restore(type, value, traceback);
}

/* C++ ----------------------------------------------------------------------------------------------------- */

static void *(*get_eh_globals)(void);

static int
loaded_objects(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    *(unsigned long long *)data = info->dlpi_adds;
    return 1; /* the first is enough */
}

/* Find the C++ runtime if some extension has loaded it. It is not linked: most programs have none. */
void
gl_thread_find_eh_globals(gl_thread *thread)
{
    static unsigned long long searched_at;
    if (get_eh_globals == NULL) {
        unsigned long long adds = 0;
        dl_iterate_phdr(loaded_objects, &adds);
        if (adds == searched_at) {
            return;
        }
        searched_at = adds;
        void *runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
        if (runtime == NULL) {
            runtime = dlopen("libc++abi.so.1", RTLD_LAZY | RTLD_NOLOAD);
        }
        if (runtime == NULL) {
            return;
        }
        *(void **)&get_eh_globals = dlsym(runtime, "__cxa_get_globals");
        if (get_eh_globals == NULL) {
            return;
        }
    }
    thread->eh = get_eh_globals();
}
