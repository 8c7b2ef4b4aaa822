"""plait.parallel: parallel loops with the names of joblib.

    from plait.parallel import Parallel, delayed

    def square(x):
        return x * x

    assert Parallel(n_jobs=2)(delayed(square)(i) for i in range(4)) == [0, 1, 4, 9]

`pool` is the one pool of worker processes and threads: `pool.shutdown()` ends them before the exit does.
"""

from __future__ import annotations

from plait.parallel import pool as pool
from plait.parallel.backends.base import ParallelBackendBase as ParallelBackendBase
from plait.parallel.backends.registry import register_parallel_backend as register_parallel_backend
from plait.parallel.budget import cpu_count as cpu_count
from plait.parallel.calls import delayed as delayed
from plait.parallel.config import parallel_backend as parallel_backend
from plait.parallel.config import parallel_config as parallel_config
from plait.parallel.errors import PoolError as PoolError
from plait.parallel.errors import RemoteTaskError as RemoteTaskError
from plait.parallel.errors import RemoteTraceback as RemoteTraceback
from plait.parallel.errors import TaskCancelled as TaskCancelled
from plait.parallel.errors import TaskTimeout as TaskTimeout
from plait.parallel.errors import TransportError as TransportError
from plait.parallel.errors import WorkerDied as WorkerDied
from plait.parallel.failures import Retries as Retries
from plait.parallel.hashing import hash as hash
from plait.parallel.parallel import Parallel as Parallel
from plait.parallel.parallel import effective_n_jobs as effective_n_jobs
from plait.parallel.persist import dump as dump
from plait.parallel.persist import load as load
from plait.parallel.persist import register_compressor as register_compressor
from plait.parallel.sharing import share as share
from plait.parallel.wrapping import wrap_non_picklable_objects as wrap_non_picklable_objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plait.parallel.executor import ProcessPoolExecutor as ProcessPoolExecutor
    from plait.parallel.executor import ThreadPoolExecutor as ThreadPoolExecutor
    from plait.parallel.memory import MemorizedResult as MemorizedResult
    from plait.parallel.memory import Memory as Memory
    from plait.parallel.memory import expires_after as expires_after
    from plait.parallel.memory import register_store_backend as register_store_backend

# Imported on first use, since each takes slow modules of the standard library with it.
_LATER = {
    "MemorizedResult": "plait.parallel.memory",
    "Memory": "plait.parallel.memory",
    "ProcessPoolExecutor": "plait.parallel.executor",
    "ThreadPoolExecutor": "plait.parallel.executor",
    "expires_after": "plait.parallel.memory",
    "register_store_backend": "plait.parallel.memory",
}

__all__ = [
    "MemorizedResult",
    "Memory",
    "Parallel",
    "ParallelBackendBase",
    "PoolError",
    "ProcessPoolExecutor",
    "RemoteTaskError",
    "RemoteTraceback",
    "Retries",
    "TaskCancelled",
    "TaskTimeout",
    "ThreadPoolExecutor",
    "TransportError",
    "WorkerDied",
    "cpu_count",
    "delayed",
    "dump",
    "effective_n_jobs",
    "expires_after",
    "hash",
    "load",
    "parallel_backend",
    "parallel_config",
    "pool",
    "register_compressor",
    "register_parallel_backend",
    "register_store_backend",
    "share",
    "wrap_non_picklable_objects",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'plait.parallel' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
