"""The one pool: worker processes and threads, kept warm, shared by all loops and graphs.

shared         the pool of this process: processes(), threads(), shutdown()
process_pool   worker processes, driven by one thread
  launch       where a worker comes from: fork, or the fork server (forkserver)
  worker       what runs in it
thread_pool    crews of worker threads;  blocked: which of them sleep
"""

from plait.parallel.pool.shared import processes as processes
from plait.parallel.pool.shared import shutdown as shutdown
from plait.parallel.pool.shared import threads as threads
