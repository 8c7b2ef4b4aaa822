/* Stacks: slots cut from reserved address space, reused last in first out, shared above a cap.
 *
 *      low                                      base                 high
 *   [guard |  ...untouched...   <- C stack grows  |  data stack grows -> ]
 *
 * `base` lies inside a page, so that a shallow greenlet's C stack and Python frames touch that one page. Slots are
 * placed such that the guard of one and the base of the slot below share a page of the page table.
 *
 * Reuse costs no system call. Memory that a slot touched is given back when too many are free, and below the usual
 * depth every few uses. Above the cap (PLAIT_MAX_STACKS) a slot has several tenants: one is the occupant, the others
 * lie on the heap as images of the part in use, and are copied back to the same addresses before they run. Pointers
 * into an evicted slot that others may follow (frame objects, frames of generators, the chain of frames itself) are
 * moved to the image, so a traceback or gr_frame of an evicted greenlet reads true.
 *
 * Rejected: growing one stack by mremap (pointers move); a guard by mprotect for all (two mappings a stack, and
 * vm.max_map_count is 65530): it is the fallback before Linux 6.13, and then lowers the cap.
 */
#include "core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef PLAIT_VALGRIND
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif
#ifdef PLAIT_ASAN
#include <sanitizer/asan_interface.h>
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)
#define PAGE ((size_t)4096)
#define GUARD_BYTES (8 * PAGE) /* larger than any frame that CPython or libc lays without touching it */
#define DATA_BYTES (16 * KIB) /* the root chunk of the data stack, as large as CPython's own */

/* Slots lie a power of two apart, so what all greenlets touch would fall into the same few sets of every cache. The
 * base of the n-th is moved by n lines inside its page (LEAST_BELOW: a shallow greenlet's C stack takes 1 to 1.6 KiB
 * of that page, its Python frames some 300 bytes above), and by n lines of page-table entries. */
#define LINE 64
#define LINES 28
#define LEAST_BELOW 1728
#define TABLE_LINE_BYTES (8 * PAGE) /* what one cache line of page-table entries maps */
#define TABLE_LINES 16
#define USUAL_DEPTH (32 * KIB)
#define MAX_TURNS 1024

/* Among so many stacks, moving one that is small costs less than the misses in the translation buffer and the page
 * tables that one more stack makes: measured at 100,000 parked, a step took 255 ns with the small ones sharing 16,000
 * slots, 476 ns with a slot each. Stacks that are not small get slots of their own up to the cap. */
#define SHARE_ABOVE 16384
#define CHEAP_BYTES 2048
#define CHEAP_TURNS 16
#define USES_PER_TRIM 256
#define FREE_SLOTS_KEPT 4096 /* that keep their touched pages */
#define TABLE_REGION (2 * MIB) /* address space that one page of the page table maps */
#define FIRST_ARENA 16 /* slots; each arena has twice those of the last */
#define LARGEST_ARENA 16384
#define ARENA_SLACK (2 * TABLE_REGION) /* to place the slots' borders in the middle of a region */

/* As deep as the main thread's, so that recursion ends in a greenlet where it would end there. It is address space: a
 * page of memory and 4 KiB of page table are what a shallow greenlet touches of it. */
#define DEFAULT_SLOT_BYTES (8 * MIB)
#define DEFAULT_MAX_STACKS 64000
#define MIN_SLOT_BYTES (128 * KIB)
#define MAX_SLOT_BYTES (1024 * MIB)

typedef enum { GUARD_AUTO, GUARD_MADVISE, GUARD_MPROTECT, GUARD_NONE } guard_kind;
static const char *const guard_names[] = {"auto", "madvise", "mprotect", "none"};

static struct {
    size_t slot_bytes;
    Py_ssize_t max_stacks;
    guard_kind guard;
    gl_slot **table; /* every slot, in order of creation */
    Py_ssize_t count, room;
    gl_slot *free_list;
    Py_ssize_t free_count, kept_count;
    char *arena_next, *arena_end; /* address space not yet cut into slots */
    size_t arena_slots; /* in the next arena: doubles */
    Py_ssize_t mappings, evictions, restores;
    Py_ssize_t hand; /* of the clock that picks whom to evict */
    char *auxiliary; /* high end */
    bool evict_always;
} stacks;

/* Allocation ---------------------------------------------------------------------------------------------- */

static Py_ssize_t fail_after = -1;

void
gl_fail_allocation(Py_ssize_t n)
{
    fail_after = n;
}

bool
gl_allocation_fails(void)
{
#ifdef PLAIT_DEBUG
    if (fail_after > 0 && --fail_after == 0) {
        fail_after = -1;
        return true;
    }
#endif
    return false;
}

void *
gl_malloc(size_t size)
{
    return gl_allocation_fails() ? NULL : malloc(size);
}

static void *
reserve(size_t bytes)
{
    if (gl_allocation_fails()) {
        return NULL;
    }
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Configuration ------------------------------------------------------------------------------------------- */

/* -1 with ValueError; *value is left alone where the variable is not set. */
static int
read_size(const char *name, size_t low, size_t high, size_t *value)
{
    const char *text = getenv(name);
    if (text == NULL || *text == 0) {
        return 0;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != 0 || *text == '-' || number < low || number > high) {
        PyErr_Format(PyExc_ValueError, "%s='%s' is not an integer from %zu to %zu; set one, or unset it", name, text, low, high);
        return -1;
    }
    *value = (size_t)number;
    return 0;
}

static int
read_guard(void)
{
    const char *text = getenv("PLAIT_GUARD");
    stacks.guard = GUARD_AUTO;
    if (text == NULL || *text == 0) {
        return 0;
    }
    for (guard_kind kind = GUARD_AUTO; kind <= GUARD_NONE; kind++) {
        if (strcmp(text, guard_names[kind]) == 0) {
            stacks.guard = kind;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "PLAIT_GUARD='%s' is none of auto, madvise, mprotect, none; set one, or unset it", text);
    return -1;
}

static Py_ssize_t
max_map_count(void)
{
    long count = 65530;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file != NULL) {
        if (fscanf(file, "%ld", &count) != 1) {
            count = 65530;
        }
        fclose(file);
    }
    return count;
}

static bool
kernel_has_guard_pages(void)
{
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return false;
    }
    bool has = madvise(page, PAGE, MADV_GUARD_INSTALL) == 0;
    munmap(page, PAGE);
    return has;
}

int
gl_stack_init(void)
{
    size_t slot_bytes = DEFAULT_SLOT_BYTES, max_stacks = DEFAULT_MAX_STACKS;
    if (read_size("PLAIT_STACK_SIZE", MIN_SLOT_BYTES, MAX_SLOT_BYTES, &slot_bytes) < 0 ||
        read_size("PLAIT_MAX_STACKS", 2, 100000000, &max_stacks) < 0 || read_guard() < 0) {
        return -1;
    }
    if ((slot_bytes & (slot_bytes - 1)) != 0) {
        PyErr_Format(PyExc_ValueError, "PLAIT_STACK_SIZE='%zu' is not a power of two; set one from %zu, or unset it", slot_bytes, MIN_SLOT_BYTES);
        return -1;
    }
    if (stacks.guard == GUARD_AUTO) {
        stacks.guard = kernel_has_guard_pages() ? GUARD_MADVISE : GUARD_MPROTECT;
    }
    if (stacks.guard == GUARD_MPROTECT) {
        /* Two mappings a stack, and the process needs some for itself. */
        size_t affordable = (size_t)(max_map_count() * 3 / 8);
        max_stacks = max_stacks < affordable ? max_stacks : affordable;
    }
    stacks.slot_bytes = slot_bytes;
    stacks.max_stacks = (Py_ssize_t)max_stacks;
    stacks.arena_slots = FIRST_ARENA;
#ifdef PLAIT_DEBUG
    const char *always = getenv("PLAIT_EVICT_ALWAYS");
    stacks.evict_always = always != NULL && *always == '1';
#endif
    return 0;
}

bool
gl_evict_always(void)
{
    return stacks.evict_always;
}

/* Slots --------------------------------------------------------------------------------------------------- */

/* Where not all that is asked for can be had (ulimit -v, strict overcommit), take at most half of what is left: the
 * heap, to which stacks are evicted, needs the rest. */
static char *
reserve_arena(size_t *slots)
{
    char *memory = reserve(*slots * stacks.slot_bytes + ARENA_SLACK);
    while (memory == NULL && *slots > 1) {
        *slots /= 2;
        size_t bytes = *slots * stacks.slot_bytes + ARENA_SLACK;
        memory = reserve(2 * bytes);
        if (memory != NULL) {
            munmap(memory + bytes, bytes);
        }
    }
    return memory;
}

static bool
add_arena(void)
{
    size_t slots = stacks.arena_slots;
    char *memory = reserve_arena(&slots);
    if (memory == NULL) {
        return false;
    }
    madvise(memory, slots * stacks.slot_bytes + ARENA_SLACK, MADV_NOHUGEPAGE);
    size_t region = stacks.slot_bytes < TABLE_REGION ? stacks.slot_bytes : TABLE_REGION;
    uintptr_t aligned = ((uintptr_t)memory + TABLE_REGION - 1) & ~(uintptr_t)(TABLE_REGION - 1);
    stacks.arena_next = (char *)aligned + region / 2;
    stacks.arena_end = stacks.arena_next + slots * stacks.slot_bytes;
    if (slots < stacks.arena_slots) { /* from now on slots are shared, and added singly where none can be */
        stacks.max_stacks = stacks.count + (Py_ssize_t)slots;
        stacks.arena_slots = 1;
    }
    else if (slots > 1 && slots < LARGEST_ARENA) {
        stacks.arena_slots = slots * 2;
    }
    stacks.mappings++;
    return true;
}

static bool
install_guard(char *low)
{
    switch (stacks.guard) {
    case GUARD_MADVISE:
        return madvise(low, GUARD_BYTES, MADV_GUARD_INSTALL) == 0;
    case GUARD_MPROTECT:
        stacks.mappings += 2;
        return mprotect(low, GUARD_BYTES, PROT_NONE) == 0;
    default:
        return true;
    }
}

static bool
grow_table(void)
{
    if (stacks.count < stacks.room) {
        return true;
    }
    Py_ssize_t room = stacks.room ? stacks.room * 2 : 64;
    gl_slot **table = realloc(stacks.table, (size_t)room * sizeof *table);
    if (table == NULL) {
        return false;
    }
    stacks.table = table;
    stacks.room = room;
    return true;
}

static gl_slot *
new_slot(void)
{
    if (!grow_table() || (stacks.arena_next == stacks.arena_end && !add_arena())) {
        return NULL;
    }
    gl_slot *slot = gl_malloc(sizeof *slot);
    if (slot == NULL) {
        return NULL;
    }
    char *bottom = stacks.arena_next;
    if (!install_guard(bottom)) {
        free(slot);
        return NULL;
    }
    stacks.arena_next += stacks.slot_bytes;
    memset(slot, 0, sizeof *slot);
    slot->low = bottom + GUARD_BYTES;
    size_t n = (size_t)stacks.count;
    size_t lines = stacks.slot_bytes >= 2 * MIB ? TABLE_LINES : 2; /* small slots have no room to spare */
    slot->high = bottom + stacks.slot_bytes - n % lines * TABLE_LINE_BYTES;
    slot->base = slot->high - DATA_BYTES + LEAST_BELOW + n % LINES * LINE;
    stacks.table[stacks.count++] = slot;
#ifdef PLAIT_VALGRIND
    (void)VALGRIND_STACK_REGISTER(slot->low, slot->base);
#endif
    return slot;
}

static gl_slot *
take_free(void)
{
    gl_slot *slot = stacks.free_list;
    if (slot != NULL) {
        stacks.free_list = slot->next;
        stacks.free_count--;
        if (stacks.kept_count > stacks.free_count) {
            stacks.kept_count = stacks.free_count;
        }
    }
    return slot;
}

/* The end of what a parked greenlet uses of its root chunk. */
static char *
used_end(const gl_coro *coro)
{
    _PyStackChunk *root = (_PyStackChunk *)coro->slot->base;
    if (coro->ts.datastack_chunk == root) {
        return (char *)coro->ts.datastack_top;
    }
    return (char *)&root->data[root->top]; /* set by CPython when it added a chunk */
}

/* A slot of this thread that is vacant, or whose occupant parked with at most `limit` bytes and could be evicted.
 * NULL where the clock finds none in so many turns. */
static gl_slot *
take_shared(gl_thread *thread, ptrdiff_t limit, int turns)
{
    for (; turns > 0; turns--) {
        gl_slot *slot = stacks.table[stacks.hand++ % stacks.count];
        gl_coro *occupant = slot->occupant;
        if (slot->thread != thread || slot->tenants == 0) {
            continue;
        }
        if (occupant == NULL) {
            return slot;
        }
        bool small = occupant->state == GL_PARKED && used_end(occupant) - (char *)occupant->sp <= limit;
        if (small && gl_evict(occupant) == 0) {
            return slot;
        }
    }
    return NULL;
}

gl_slot *
gl_slot_acquire(gl_thread *thread, gl_coro *tenant)
{
    gl_slot *slot = take_free();
    if (slot == NULL && stacks.count >= SHARE_ABOVE) {
        slot = take_shared(thread, CHEAP_BYTES, CHEAP_TURNS);
    }
    if (slot == NULL && stacks.count < stacks.max_stacks) {
        slot = new_slot();
    }
    if (slot == NULL && stacks.count > 0) {
        slot = take_shared(thread, PTRDIFF_MAX, MAX_TURNS);
    }
    if (slot == NULL) {
        slot = new_slot(); /* the cap gives way before a start fails */
    }
    if (slot == NULL) {
        PyErr_Format(PyExc_MemoryError, "no address space for another greenlet's stack of %zu bytes (%zd exist); lower "
                     "PLAIT_STACK_SIZE or PLAIT_MAX_STACKS", stacks.slot_bytes, stacks.count);
        return NULL;
    }
#ifdef PLAIT_ASAN
    /* The last frames of a greenlet that ended never returned, and have left the gaps between their variables poisoned. */
    __asan_unpoison_memory_region(slot->base - USUAL_DEPTH, USUAL_DEPTH);
#endif
    slot->occupant = tenant;
    slot->thread = thread;
    slot->tenants++;
    return slot;
}

/* Give touched pages back: all of a slot that is one too many, else what lies deeper than usual, now and then. */
static void
trim(gl_slot *slot)
{
    if (stacks.kept_count >= FREE_SLOTS_KEPT) {
        madvise(slot->low, (size_t)(slot->high - slot->low), MADV_DONTNEED);
        return;
    }
    stacks.kept_count++;
    if (++slot->uses >= USES_PER_TRIM) {
        slot->uses = 0;
        uintptr_t end = ((uintptr_t)slot->base - USUAL_DEPTH) & ~(uintptr_t)(PAGE - 1);
        madvise(slot->low, end - (uintptr_t)slot->low, MADV_DONTNEED);
    }
}

void
gl_slot_release(gl_slot *slot, gl_coro *tenant)
{
    GL_CHECK(slot->tenants > 0);
    if (slot->occupant == tenant) {
        slot->occupant = NULL;
    }
    if (--slot->tenants > 0) {
        return;
    }
    trim(slot);
    slot->next = stacks.free_list;
    stacks.free_list = slot;
    stacks.free_count++;
}

char *
gl_auxiliary_stack(void)
{
    if (stacks.auxiliary == NULL) {
        size_t bytes = GUARD_BYTES + GL_AUXILIARY_BYTES;
        char *memory = reserve(bytes);
        if (memory == NULL) {
            return NULL;
        }
        if (!install_guard(memory)) {
            munmap(memory, bytes);
            return NULL;
        }
        stacks.auxiliary = memory + bytes;
    }
    return stacks.auxiliary;
}

/* Eviction ------------------------------------------------------------------------------------------------ */

/* Copy a piece of stack. AddressSanitizer has poisoned the gaps between variables: copy past its checks, and let the
 * memory that others will stand on be clean. */
#ifdef PLAIT_ASAN
static __attribute__((no_sanitize("address"), noinline)) void
copy_stack(char *to, char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((volatile char *)to)[i] = ((volatile char *)from)[i];
    }
    __asan_unpoison_memory_region(from, size);
    __asan_unpoison_memory_region(to, size);
}
#elif defined(PLAIT_VALGRIND)
static void
copy_stack(char *to, char *from, size_t size)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(to, size); /* below the stack pointer that valgrind knows */
    memcpy(to, from, size);
}
#else
#define copy_stack memcpy
#endif

typedef struct {
    char *low, *high; /* where pointers lead now */
    ptrdiff_t shift; /* what is added to one that leads there */
} relocation;

static inline void *
moved(const relocation *r, void *pointer)
{
    char *p = pointer;
    return p >= r->low && p < r->high ? p + r->shift : p;
}

/* Mend every pointer to a frame that has moved. The bytes are at their new place already; pointers in them are old. */
static struct _PyInterpreterFrame *
relocate_frames(struct _PyInterpreterFrame *top, const relocation *r)
{
    struct _PyInterpreterFrame *first = moved(r, top);
    for (struct _PyInterpreterFrame *frame = first; frame != NULL; frame = frame->previous) {
        if (gl_frame_has_object(frame)) {
            frame->frame_obj->f_frame = frame;
        }
        frame->previous = moved(r, frame->previous);
    }
    return first;
}

static void
relocate(gl_coro *coro, const relocation *r, char *stack_now)
{
#if GL_CFRAME
    /* The cframe pointer itself is used only when the greenlet runs, from its slot. */
    _PyCFrame *cframe = (_PyCFrame *)(stack_now + ((char *)coro->ts.cframe - coro->image.low));
    cframe->current_frame = relocate_frames(cframe->current_frame, r);
#else
    (void)stack_now;
    coro->ts.current_frame = relocate_frames(coro->ts.current_frame, r);
#endif
}

int
gl_evict(gl_coro *coro)
{
    GL_CHECK(coro->state == GL_PARKED && coro->slot != NULL && coro->slot->occupant == coro);
    char *low = coro->sp, *high = used_end(coro);
    char *bytes = gl_malloc((size_t)(high - low));
    if (bytes == NULL) {
        return -1;
    }
    copy_stack(bytes, low, (size_t)(high - low));
    coro->image.bytes = bytes;
    coro->image.low = low;
    coro->image.high = high;
    relocate(coro, &(relocation){low, high, bytes - low}, bytes);
    coro->state = GL_EVICTED;
    coro->slot->occupant = NULL;
#ifdef PLAIT_DEBUG
    memset(low, 0xdb, (size_t)(high - low)); /* whoever still points here is caught */
#endif
    stacks.evictions++;
    return 0;
}

void
gl_restore(gl_coro *coro)
{
    GL_CHECK(coro->state == GL_EVICTED && coro->slot->occupant == NULL);
    char *bytes = coro->image.bytes, *low = coro->image.low;
    size_t size = (size_t)(coro->image.high - low);
    copy_stack(low, bytes, size);
    relocate(coro, &(relocation){bytes, bytes + size, low - bytes}, low);
    free(bytes);
    coro->image.bytes = NULL;
    coro->state = GL_PARKED;
    coro->slot->occupant = coro;
    stacks.restores++;
}

void *
gl_image_address(const gl_coro *coro, void *address)
{
    return moved(&(relocation){coro->image.low, coro->image.high, coro->image.bytes - coro->image.low}, address);
}

void
gl_stack_get_stats(gl_stack_stats *stats)
{
    *stats = (gl_stack_stats){
        .slots = stacks.count,
        .used = stacks.count - stacks.free_count,
        .mappings = stacks.mappings,
        .evictions = stacks.evictions,
        .restores = stacks.restores,
        .slot_bytes = (Py_ssize_t)stacks.slot_bytes,
        .max_stacks = stacks.max_stacks,
        .guard = guard_names[stacks.guard],
    };
}
