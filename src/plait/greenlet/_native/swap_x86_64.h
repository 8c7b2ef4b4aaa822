/* Exchange of machine stacks on x86-64. ABI: System V AMD64 psABI 1.0, 3.2.1: a callee preserves rbx, rbp,
 * r12-r15, the control bits of mxcsr and the x87 control word.
 *
 * A parked stack, from its saved stack pointer upwards:
 *
 *      +0   mxcsr (4 bytes), x87 control word (2 bytes), unused (2 bytes)
 *      +8   address to continue at
 *      +16  rbx
 *      +24  rbp
 *
 * rbx and rbp are pushed; r12-r15 and all others are declared clobbered, so the compiler saves just what it needs.
 * There must be no red zone: it is compiled with -mno-red-zone, since stepping over 128 bytes would add them to the
 * image of every evicted stack.
 */
#ifndef PLAIT_GREENLET_SWAP_H
#define PLAIT_GREENLET_SWAP_H

/* Leave the stack pointer in *from and go on at to. Returns when somebody swaps to *from. */
static inline __attribute__((always_inline)) void
gl_swap(void **from, void *to)
{
    __asm__ volatile(
        "leaq 1f(%%rip), %%rax\n\t"
        "pushq %%rbp\n\t"
        "pushq %%rbx\n\t"
        "pushq %%rax\n\t"
        "subq $8, %%rsp\n\t"
        "stmxcsr (%%rsp)\n\t"
        "fnstcw 4(%%rsp)\n\t"
        "movq %%rsp, (%%rdi)\n\t"
        "movq %%rsi, %%rsp\n\t"
        "ldmxcsr (%%rsp)\n\t"
        "fldcw 4(%%rsp)\n\t"
        "addq $8, %%rsp\n\t"
        "popq %%rax\n\t"
        "popq %%rbx\n\t"
        "popq %%rbp\n\t"
        "jmpq *%%rax\n"
        "1:\n\t"
        : "+D"(from), "+S"(to)
        :
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
          "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
#ifdef __AVX512F__
          "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
          "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31",
          "k1", "k2", "k3", "k4", "k5", "k6", "k7",
#endif
          "cc", "memory");
}

/* The bottom of a new stack: rbx holds the argument. The undefined return address ends every unwinder's walk. */
#define GL_DEFINE_ENTRY(name, function)                                                                   \
    __asm__(".text\n"                                                                                     \
            ".p2align 4\n"                                                                                \
            ".type " #name ", @function\n" #name ":\n"                                                    \
            ".cfi_startproc\n"                                                                            \
            ".cfi_undefined rip\n\t"                                                                      \
            "xorl %ebp, %ebp\n\t"                                                                         \
            "movq %rbx, %rdi\n\t"                                                                         \
            "call " #function "\n\t"                                                                      \
            "ud2\n"                                                                                       \
            ".cfi_endproc\n"                                                                              \
            ".size " #name ", .-" #name "\n");                                                            \
    extern void name(void) __attribute__((visibility("hidden")))

/* Lay a parked stack below `high` (16-byte aligned) that will begin at `entry` with `argument`. */
static inline void *
gl_swap_prepare(char *high, void (*entry)(void), void *argument)
{
    void **sp = (void **)(high - 32);
    /* Straight to where they are loaded from: reading both back as one word would stall. */
    __asm__ volatile("stmxcsr (%0)\n\tfnstcw 4(%0)" : : "r"(sp) : "memory");
    sp[1] = (void *)entry;
    sp[2] = argument;
    sp[3] = NULL;
    return sp;
}

#endif
