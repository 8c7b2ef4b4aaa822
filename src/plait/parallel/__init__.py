"""plait.parallel: parallel loops with the names of joblib.

    from plait.parallel import Parallel, delayed

    def square(x):
        return x * x

    assert Parallel(n_jobs=2)(delayed(square)(i) for i in range(4)) == [0, 1, 4, 9]

`pool` is the one pool of worker processes and threads: `pool.shutdown()` ends them before the exit does.

Each name is imported on first use: a program pays for what it uses, and `import plait.parallel` costs next to nothing.
"""

TYPE_CHECKING = False  # type checkers read it as true
if TYPE_CHECKING:
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
    from plait.parallel.executor import ProcessPoolExecutor as ProcessPoolExecutor
    from plait.parallel.executor import ThreadPoolExecutor as ThreadPoolExecutor
    from plait.parallel.failures import Retries as Retries
    from plait.parallel.hashing import hash as hash
    from plait.parallel.memory import MemorizedResult as MemorizedResult
    from plait.parallel.memory import Memory as Memory
    from plait.parallel.memory import expires_after as expires_after
    from plait.parallel.memory import register_store_backend as register_store_backend
    from plait.parallel.parallel import Parallel as Parallel
    from plait.parallel.parallel import effective_n_jobs as effective_n_jobs
    from plait.parallel.persist import dump as dump
    from plait.parallel.persist import load as load
    from plait.parallel.persist import register_compressor as register_compressor
    from plait.parallel.sharing import share as share
    from plait.parallel.wrapping import wrap_non_picklable_objects as wrap_non_picklable_objects

# Public name -> the module that has it; None where the name is a module itself.
_PUBLIC = {
    "MemorizedResult": "plait.parallel.memory",
    "Memory": "plait.parallel.memory",
    "Parallel": "plait.parallel.parallel",
    "ParallelBackendBase": "plait.parallel.backends.base",
    "PoolError": "plait.parallel.errors",
    "ProcessPoolExecutor": "plait.parallel.executor",
    "RemoteTaskError": "plait.parallel.errors",
    "RemoteTraceback": "plait.parallel.errors",
    "Retries": "plait.parallel.failures",
    "TaskCancelled": "plait.parallel.errors",
    "TaskTimeout": "plait.parallel.errors",
    "ThreadPoolExecutor": "plait.parallel.executor",
    "TransportError": "plait.parallel.errors",
    "WorkerDied": "plait.parallel.errors",
    "cpu_count": "plait.parallel.budget",
    "delayed": "plait.parallel.calls",
    "dump": "plait.parallel.persist",
    "effective_n_jobs": "plait.parallel.parallel",
    "expires_after": "plait.parallel.memory",
    "hash": "plait.parallel.hashing",
    "load": "plait.parallel.persist",
    "parallel_backend": "plait.parallel.config",
    "parallel_config": "plait.parallel.config",
    "pool": None,
    "register_compressor": "plait.parallel.persist",
    "register_parallel_backend": "plait.parallel.backends.registry",
    "register_store_backend": "plait.parallel.memory",
    "share": "plait.parallel.sharing",
    "wrap_non_picklable_objects": "plait.parallel.wrapping",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'plait.parallel' has no attribute {name!r}")
    from importlib import import_module

    home = _PUBLIC[name]
    value = import_module(f"plait.parallel.{name}") if home is None else getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
