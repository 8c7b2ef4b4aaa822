"""The switchboard: which worker has which batch, and who reads what workers say.

It owns the channels (a Link each), the runs (one a call) and the way of each batch:

    submitted -> a Span of it waits in its run -> sent to a worker -> answered -> the batch comes back, once
                                   ^                 | taken back, whole or its tail, for a worker that is idle
                                   +-----------------+ its worker died before it began

Who gets what. An idle worker is always first. Where one run has the workers for itself, each gets its next batches
before it has ended the one before (DEPTH, more while batches are quick), so that it never waits for us; with several
runs a worker gets one at a time and the runs take turns. Nothing waits behind a long task for good: as soon as a worker
is idle and nothing else is to be sent, it gets a batch that another has not begun, or half of what is left of one that
runs (see `progress`). A message keeps its bytes until its batch is back, so that they can go out again.

Who reads. There is one seat:

    NOBODY -> CALLER   a thread without a hub that waits for its own batches reads the channels itself, for all runs
    CALLER -> NOBODY   it has what it waited for; it will soon be back
    NOBODY -> THREAD   the lease is over (2 ms), or somebody waits who cannot read (a greenlet, asyncio): the pool's
                       thread reads
    THREAD -> CALLER   as above

So a call's round trip is two system calls and two switches on each side, and no thread hops: a hop costs a futex, a
switch, and up to 5 ms where the other thread holds the GIL.

One step at a time. Methods run in any thread, the interpreter's main one included, where a signal's handler may raise
between any two bytecodes. They are native, and a step has no bytecode in it; `busy` keeps other threads out where the
GIL is let go. Whoever finds it busy leaves the step to the pool's thread.
"""

from plait.parallel._native.switchboard import Link as Link
from plait.parallel._native.switchboard import Run as Run
from plait.parallel._native.switchboard import Span as Span
from plait.parallel._native.switchboard import Switchboard as Switchboard
from plait.parallel._native.switchboard import order_head as order_head
from plait.parallel._native.switchboard import reply_head as reply_head

# Kinds of messages; how batches end is in `outcome`.
BATCH = 1
REPLY = 2  # a batch has ended
PART = 3  # results of one that goes on
WORD = 4  # see outcome.Word
