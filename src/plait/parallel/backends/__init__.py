"""What a loop runs its batches on: worker processes, worker threads, greenlets, or the caller itself.

`base` has the interface that others implement, `registry` the names, `adapter` runs what others register.
"""

from plait.parallel.backends.autobatching import AutoBatchingMixin as AutoBatchingMixin
from plait.parallel.backends.base import FallbackToBackend as FallbackToBackend
from plait.parallel.backends.base import NativeBackend as NativeBackend
from plait.parallel.backends.base import ParallelBackendBase as ParallelBackendBase
from plait.parallel.backends.base import Runner as Runner
from plait.parallel.backends.processes import LokyBackend as LokyBackend
from plait.parallel.backends.processes import MultiprocessingBackend as MultiprocessingBackend
from plait.parallel.backends.registry import register_parallel_backend as register_parallel_backend
from plait.parallel.backends.sequential import SequentialBackend as SequentialBackend
from plait.parallel.backends.threads import ThreadingBackend as ThreadingBackend
