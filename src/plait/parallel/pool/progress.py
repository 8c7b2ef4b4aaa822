"""What a worker has begun, in a page of memory that it shares with its parent.

    i64  index of the task that runs, -1 between tasks: it outlives the worker, so its death names the task
    from byte 64, SLOTS words, one for each batch under way:
        u32 the next task to begin | u31 the end, the first task that is not to begin | u1 cancelled

Protocol. The parent writes a slot's word before it sends the batch. The worker claims each task by one atomic step
from begin to begin + 1, as long as that is below the end and the batch is not cancelled. The parent may lower the end,
in one atomic step too, down to what is begun: what lies behind is its own again, and nobody runs it twice or not at
all. So batches are taken back, whole or in part, from a worker that is busy, without a message and without waiting.

Cost: some 10 ns a task. Rejected: asking the worker by a message, which it reads only after the task that runs.
"""

from plait.parallel._native.progress import Progress as Progress

PAGE_BYTES = 4096
