/* The exchange of machine stacks of the architecture compiled for. */
#if defined(__x86_64__)
#include "swap_x86_64.h"
#elif defined(__aarch64__)
#include "swap_aarch64.h"
#endif
