"""The one pool: worker processes and threads, kept warm, shared by all loops and graphs.

shared         the pool of this process: processes(), threads(), shutdown(), set_start_method()
process_pool   worker processes, driven by one thread
  launch       where a worker comes from: fork, where it is safe (forksafety); a fork server (servers, forkserver); exec
  worker       what runs in it;  hooks: what it does before a call (threadlimits, output)
thread_pool    crews of worker threads;  blocked: which of them sleep
"""

from plait.parallel.pool.shared import processes as processes
from plait.parallel.pool.shared import set_start_method as set_start_method
from plait.parallel.pool.shared import shutdown as shutdown
from plait.parallel.pool.shared import threads as threads
