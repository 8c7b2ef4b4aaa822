"""What a worker is told of a call, and what it does about it before the call's first task.

record() is made by the caller, once a call; begin_call() runs in each worker that gets a batch of it.
"""

from __future__ import annotations

import pickle
import sys

from plait.parallel import nesting
from plait.parallel.initializing import InitializerError
from plait.parallel.nesting import IN_PROCESS, Scope
from plait.parallel.options import PLAIN, CallOptions
from plait.parallel.outcome import CallRecord
from plait.parallel.pool import output, threadlimits
from plait.parallel.transport import pickling
from plait.trace import ring

_initialized = b""  # in a worker: the initializer that has run


def record(cores: int, options: CallOptions = PLAIN, scope: Scope = IN_PROCESS) -> CallRecord:
    """What each worker of a call is told. cores: its share of the machine."""
    cores = max(1, cores)
    limits = threadlimits.plan(cores, options.inner_max_num_threads)
    said = output.rules() if options.forward_output else None
    initializer = b"" if options.initializer is None else pickling.dumps(options.initializer)
    setup = pickling.content_hash(initializer) if initializer else b""
    return CallRecord(cores, limits, ring.enabled, said, scope, setup, initializer, _authkey())


def begin_call(told: CallRecord, forwarding: output.Forwarding) -> None:
    """The tasks that come are of another call. Raises InitializerError where its initializer fails."""
    forwarding.follow(told.output)
    nesting.enter_process(told.cores, told.scope)
    if told.threads:
        threadlimits.apply(told.threads)
    if told.authkey is not None:
        _accept(told.authkey)
    if told.setup and told.setup != _initialized:
        _initialize(told)
    if told.tracing and not ring.enabled:
        ring.start()


def _authkey() -> bytes | None:
    """What this process's managers of multiprocessing ask for; None where the program has none."""
    process = sys.modules.get("multiprocessing.process")
    return None if process is None else bytes(process.current_process().authkey)


def _accept(authkey: bytes) -> None:
    from multiprocessing.process import current_process  # the caller has imported it, so its worker will need it

    if current_process().authkey != authkey:
        current_process().authkey = authkey


def _initialize(told: CallRecord) -> None:
    global _initialized
    try:
        function, args = pickle.loads(told.initializer)
        function(*args)
    except BaseException as error:
        raise InitializerError(f"the initializer failed in a worker process: {error!r}") from error
    _initialized = told.setup
