"""Threads of BLAS and OpenMP: how many a task may use, and how to tell the libraries.

As many workers as cores, each with a BLAS that starts a thread per core, run slower than one. So a worker's share of
the cores is told to
 - libraries that it has not loaded yet, by the environment variables that they read when they are;
 - libraries that are in memory already, since a forked worker has them from its parent and a warm one from an earlier
   call, by their own functions. /proc/self/maps says which there are.

A variable that the user has set counts, unless the call itself says a number (`inner_max_num_threads`).

OpenBLAS starts its threads when it is loaded; its own fork handler ends them, and the next product starts them again.
stop_idle() does the same ahead of a fork, so that the threads that are left are those that a fork would lose.
Cost: some 10 us a call to plan, nothing in the worker while it stays the same, 1 ms where it changes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from ctypes import CDLL

_OPENMP, _OPENBLAS, _MKL, _BLIS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"
VARIABLES = (
    _OPENMP,
    _OPENBLAS,
    _MKL,
    _BLIS,
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_TBB_SHARES_CORES = "ENABLE_IPC"  # has TBB's schedulers in different processes count each other's threads

Limits: TypeAlias = tuple[str, ...]  # values of VARIABLES


class _Kind(NamedTuple):
    """A family of libraries: how its files are called, which variable it reads, and which functions set its threads."""

    files: tuple[str, ...]  # how their names begin, or what is in them after "lib"
    variable: str
    setters: tuple[str, ...]
    getters: tuple[str, ...] = ()


_KINDS = (
    _Kind(
        ("libopenblas", "libscipy_openblas", "libblas"),
        _OPENBLAS,
        tuple(f"{pre}openblas_set_num_threads{post}" for pre in ("", "scipy_") for post in ("", "64_", "_64")),
        tuple(f"{pre}openblas_get_num_threads{post}" for pre in ("", "scipy_") for post in ("", "64_", "_64")),
    ),
    _Kind(("libgomp", "libiomp5", "libomp"), _OPENMP, ("omp_set_num_threads",)),
    _Kind(("libmkl_rt",), _MKL, ("MKL_Set_Num_Threads",)),
    _Kind(("libblis",), _BLIS, ("bli_thread_set_num_threads",)),
)

_applied: Limits | None = None  # what this process was told last


def plan(share: int, wanted: int | None) -> Limits:
    """What a worker is to be told: `wanted` where the call says so, else the user's variables, else its share."""
    if wanted is not None:
        return (str(wanted),) * len(VARIABLES)
    default = str(share)
    return tuple([os.environ.get(name) or default for name in VARIABLES])


def apply(limits: Limits) -> None:
    """Tell this process's libraries, those in memory and those to come."""
    global _applied
    if limits == _applied:
        return
    _applied = limits
    told = dict(zip(VARIABLES, limits, strict=True))
    os.environ.update(told)
    os.environ.setdefault(_TBB_SHARES_CORES, "1")
    for kind, library in _loaded():
        count = _first_number(told[kind.variable])
        setter = _function(library, kind.setters)
        if count is not None and setter is not None:
            setter(count)


def stop_idle(others: int) -> bool:
    """End OpenBLAS's threads where this process's `others`, threads but this one, are just those; whether it did.

    They start again with the next product. Only where no thread of Python but this one could be using them.
    """
    if len(sys._current_frames()) > 1:
        return False
    stops = []
    for kind, library in _loaded(openblas_only=True):
        count, stop = _function(library, kind.getters), _function(library, ("blas_thread_shutdown_",))
        if count is not None and stop is not None:
            others -= count() - 1
            stops.append(stop)
    if others:  # somebody else's: this would be of no use
        return False
    for stop in stops:
        stop()
    return True


def _loaded(openblas_only: bool = False) -> Iterator[tuple[_Kind, CDLL]]:
    """The libraries of _KINDS that are in this process's memory."""
    paths = _mapped()
    kinds = [kind for kind in _KINDS if kind.variable == _OPENBLAS] if openblas_only else _KINDS
    for kind in kinds:
        for path in paths:
            if os.path.basename(path).startswith(kind.files):
                library = _handle(path)
                if library is not None:
                    yield kind, library


def _mapped() -> list[str]:
    """Paths of the shared libraries in memory."""
    with open("/proc/self/maps", "rb", buffering=1 << 16) as file:
        paths = {line[line.index(b"/") :] for line in file.read().split(b"\n") if b"/lib" in line and b".so" in line}
    return [os.fsdecode(path) for path in sorted(paths)]


def _handle(path: str) -> CDLL | None:
    import ctypes  # only where such a library is there, whose own package has imported it

    try:
        return ctypes.CDLL(path, os.RTLD_NOLOAD)
    except OSError:  # unmapped meanwhile, or its file was replaced
        return None


def _function(library: CDLL, names: Iterable[str]) -> Callable[..., int] | None:
    """The first of these functions that the library has."""
    for name in names:
        try:
            function: Callable[..., int] = getattr(library, name)
        except AttributeError:
            continue
        return function
    return None


def _first_number(text: str) -> int | None:
    """OMP_NUM_THREADS may be a list, one number for each level of nesting."""
    first = text.partition(",")[0].strip()
    return int(first) if first.isdigit() and int(first) > 0 else None
