"""What a worker is told of a call, and what it does about it before the call's first task.

record() is made by the caller, once a call; begin_call() runs in each worker that gets a batch of it.
"""

from __future__ import annotations

from plait.parallel import nesting
from plait.parallel.nesting import IN_PROCESS, Scope
from plait.parallel.options import PLAIN, CallOptions
from plait.parallel.outcome import CallRecord
from plait.parallel.pool import output, threadlimits
from plait.trace import ring


def record(cores: int, options: CallOptions = PLAIN, scope: Scope = IN_PROCESS) -> CallRecord:
    """What each worker of a call is told. cores: its share of the machine."""
    cores = max(1, cores)
    limits = threadlimits.plan(cores, options.inner_max_num_threads)
    said = output.rules() if options.forward_output else None
    return CallRecord(cores, limits, ring.enabled, said, scope)


def begin_call(told: CallRecord, forwarding: output.Forwarding) -> None:
    """The tasks that come are of another call."""
    forwarding.follow(told.output)
    nesting.enter_process(told.cores, told.scope)
    if told.threads:
        threadlimits.apply(told.threads)
    if told.tracing and not ring.enabled:
        ring.start()
