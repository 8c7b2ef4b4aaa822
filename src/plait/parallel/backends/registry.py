"""Backends by name: those that there are, those that libraries add, and which is taken where none is named."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from plait.parallel.backends.base import AT_LEVEL, ParallelBackendBase, above
from plait.parallel.backends.processes import LokyBackend, MultiprocessingBackend
from plait.parallel.backends.sequential import SequentialBackend
from plait.parallel.backends.threads import ThreadingBackend

Factory = Callable[..., ParallelBackendBase]

# name -> what makes a backend of its keywords, `nesting_level` among them. Programs read and change it.
BACKENDS: dict[str, Factory] = {"threading": ThreadingBackend, "sequential": SequentialBackend}
# name -> what puts it into BACKENDS; called when it is first asked for.
EXTERNAL_BACKENDS: dict[str, Callable[[], object]] = {}
# Those that are missing where worker processes are switched off; the default then stands in for them.
MAYBE_AVAILABLE_BACKENDS = {"multiprocessing", "loky"}
DEFAULT_BACKEND = DEFAULT_THREAD_BACKEND = DEFAULT_PROCESS_BACKEND = "threading"
_ALIASES = {"processes": "loky"}


def _have_processes() -> bool:
    return os.environ.get("JOBLIB_MULTIPROCESSING", "1").strip() != "0"


if _have_processes():
    BACKENDS.update(multiprocessing=MultiprocessingBackend, loky=LokyBackend)
    DEFAULT_BACKEND = DEFAULT_PROCESS_BACKEND = "loky"


def register_parallel_backend(name: str, factory: Factory, make_default: bool = False) -> None:
    """Have `backend=name` mean what factory(nesting_level=..., **backend_params) gives, a ParallelBackendBase.

    make_default: take it where no backend is named.
    """
    global DEFAULT_BACKEND
    BACKENDS[name] = factory
    if make_default:
        DEFAULT_BACKEND = name


def make(name: Any, **params: Any) -> ParallelBackendBase:
    """A backend by its name. Raises ValueError for one that there is not."""
    return _factory(name)(**params)


def default(**params: Any) -> ParallelBackendBase:
    """The backend that is taken where none is named."""
    return make(DEFAULT_BACKEND, **params)


def _factory(name: Any) -> Factory:
    known = isinstance(name, str)
    name = _ALIASES.get(name, name) if known else name
    if known and name not in BACKENDS:
        if name in EXTERNAL_BACKENDS:
            EXTERNAL_BACKENDS[name]()
        elif name in MAYBE_AVAILABLE_BACKENDS:
            warnings.warn(
                f"joblib backend '{name}' is not available on your system, falling back to {DEFAULT_BACKEND}.",
                UserWarning,
                stacklevel=5,
            )
            BACKENDS[name] = BACKENDS[DEFAULT_BACKEND]
    if not known or name not in BACKENDS:
        names = sorted({*BACKENDS, *EXTERNAL_BACKENDS, *_ALIASES})
        raise ValueError(
            f"Invalid backend: {name!r}; pass one of {', '.join(map(repr, names))}, "
            "or the name of one that register_parallel_backend() has got"
        )
    return BACKENDS[name]


def at_level(level: int) -> ParallelBackendBase:
    """The backend for loops with so many calls with workers around them."""
    return (SequentialBackend if level > 1 else ThreadingBackend)(nesting_level=level)


def _register_green() -> None:
    from plait.parallel.backends.green import GreenBackend  # it takes the hub with it

    BACKENDS["green"] = GreenBackend


def _refuse_dask() -> None:
    raise ImportError(
        "backend='dask' needs dask.distributed, which plait has no adapter for; "
        "run this loop with joblib itself, or use backend='processes' on this machine"
    )


EXTERNAL_BACKENDS.update(dask=_refuse_dask, green=_register_green)
above[AT_LEVEL] = at_level
