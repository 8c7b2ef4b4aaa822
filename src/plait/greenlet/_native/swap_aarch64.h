/* Exchange of machine stacks on aarch64. ABI: AAPCS64 (2024Q3), 6.1.1 and 6.1.2: a callee preserves x19-x28, the
 * frame pointer x29, the low halves of v8-v15, and the stack pointer; fpcr is the thread's rounding mode.
 *
 * A parked stack, from its saved stack pointer upwards:
 *
 *      +0   address to continue at
 *      +8   x19
 *      +16  x29
 *      +24  fpcr
 *
 * x19 (which carries the argument of a new stack) and x29 are stored; all others are declared clobbered, so the
 * compiler saves just what it needs: x18 too, which is an ordinary scratch register on Linux. There is no red zone.
 */
#ifndef PLAIT_GREENLET_SWAP_H
#define PLAIT_GREENLET_SWAP_H

/* Leave the stack pointer in *from and go on at to. Returns when somebody swaps to *from. */
static inline __attribute__((always_inline)) void
gl_swap(void **from, void *to)
{
    register void **x0 __asm__("x0") = from;
    register void *x1 __asm__("x1") = to;
    __asm__ volatile(
        "sub sp, sp, #32\n\t"
        "adr x2, 1f\n\t"
        "mrs x3, fpcr\n\t"
        "stp x2, x19, [sp]\n\t"
        "stp x29, x3, [sp, #16]\n\t"
        "mov x2, sp\n\t"
        "str x2, [x0]\n\t"
        "mov sp, x1\n\t"
        "ldp x2, x19, [sp]\n\t"
        "ldp x29, x3, [sp, #16]\n\t"
        "msr fpcr, x3\n\t"
        "add sp, sp, #32\n\t"
        "br x2\n"
        "1:\n\t"
        : "+r"(x0), "+r"(x1)
        :
        : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
          "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
          "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
          "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
          "v31", "cc", "memory");
}

/* The bottom of a new stack: x19 holds the argument. The undefined return address ends every unwinder's walk. */
#define GL_DEFINE_ENTRY(name, function)                                                                   \
    __asm__(".text\n"                                                                                     \
            ".p2align 4\n"                                                                                \
            ".type " #name ", %function\n" #name ":\n"                                                    \
            ".cfi_startproc\n"                                                                            \
            ".cfi_undefined x30\n\t"                                                                      \
            "hint #36\n\t" /* bti j */                                                                    \
            "mov x29, #0\n\t"                                                                             \
            "mov x30, #0\n\t"                                                                             \
            "mov x0, x19\n\t"                                                                             \
            "bl " #function "\n\t"                                                                        \
            "brk #1\n"                                                                                    \
            ".cfi_endproc\n"                                                                              \
            ".size " #name ", .-" #name "\n");                                                            \
    extern void name(void) __attribute__((visibility("hidden")))

/* Lay a parked stack below `high` (16-byte aligned) that will begin at `entry` with `argument`. */
static inline void *
gl_swap_prepare(char *high, void (*entry)(void), void *argument)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    void **sp = (void **)(high - 32);
    sp[0] = (void *)entry;
    sp[1] = argument;
    sp[2] = NULL;
    sp[3] = (void *)(uintptr_t)fpcr;
    return sp;
}

#endif
