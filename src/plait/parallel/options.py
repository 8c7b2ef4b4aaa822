"""How one call runs, beyond its tasks: what `Parallel` hands to the backend that opens a runner for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

# Those of Parallel's further keywords that a process backend knows. `context`: a start method of multiprocessing; the
# pool starts its processes in the one way that is safe.
BACKEND_KEYWORDS = frozenset(
    {"context", "forward_output", "idle_worker_timeout", "initargs", "initializer", "inner_max_num_threads"}
    | {"prefer", "require", "verbose"}
)


class CallOptions(NamedTuple):
    """Options of one call."""

    fail_fast: bool = True  # the first failure ends the call, so a runner need not go on after it
    max_nbytes: int | None = 1 << 20  # arrays from this size on travel in shared memory; None: none do
    mmap_mode: str | None = "r"  # how a worker sees them: "r", "r+", "w+", "c"; None: it gets copies
    temp_folder: str | None = None  # where shared memory has files, if it has to
    inner_max_num_threads: int | None = None  # threads of BLAS and OpenMP in a worker; None: its share of the cores
    initializer: tuple[Callable[..., Any], tuple[Any, ...]] | None = None  # a worker calls it before its first task
    forward_output: bool = True  # what tasks print, warn of and log goes to the caller's streams, filters and loggers
    idle_worker_timeout: float | None = None  # seconds after which an idle worker ends; None: the pool's own
    outlives_workers: bool = False  # a worker's death is no failure that ends the call


PLAIN = CallOptions()


def size_bytes(size: Any) -> int | None:
    """`max_nbytes`: a number of bytes, text such as "1M", or None. Raises ValueError."""
    if not isinstance(size, str):
        return None if size is None else int(size)
    unit = _UNITS.get(size[-1:])
    try:
        if unit is None:
            raise ValueError(size)
        return int(unit * float(size[:-1]))
    except ValueError:
        raise ValueError(
            f"max_nbytes={size!r} is no size; pass a number of bytes, or text with a unit, such as '10M' (K, M or G)"
        ) from None
