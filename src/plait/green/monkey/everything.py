"""patch_all, and one function for each part of the standard library.

Each may be called at any time, in any order and again: what is patched already stays. patch_all remembers its
arguments; a later call adds what these had left out, and takes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from plait._base import natives as _natives  # noqa: F401  (the originals are kept there before anything is patched)
from plait.green import events
from plait.green.monkey.arrivals import when_imported
from plait.green.monkey.errors import Warnings
from plait.green.monkey.modules import notify, patch_green_module, unless_vetoed
from plait.green.monkey.rebinding import rebind

__all__ = [
    "patch_all",
    "patch_builtins",
    "patch_contextvars",
    "patch_dns",
    "patch_os",
    "patch_queue",
    "patch_select",
    "patch_selectors",
    "patch_signal",
    "patch_socket",
    "patch_ssl",
    "patch_subprocess",
    "patch_sys",
    "patch_thread",
    "patch_time",
]

_QUEUES = ("LifoQueue", "PriorityQueue", "Queue", "SimpleQueue")
_depth = 0  # of patch functions that call each other: the outermost one rebinds
_settings: dict[str, bool] = {}  # what patch_all was asked for so far


@contextmanager
def _rebinding() -> Iterator[None]:
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            rebind()


@unless_vetoed
def patch_os() -> bool:
    """fork, and waiting for children."""
    with _rebinding():
        return patch_green_module("os")


@unless_vetoed
def patch_time() -> bool:
    """time.sleep."""
    with _rebinding():
        return patch_green_module("time")


@unless_vetoed
def patch_thread(
    threading: bool = True,
    _threading_local: bool = True,
    Event: bool = True,
    logging: bool = True,
    existing_locks: bool = True,
    _warnings: Warnings | None = None,
) -> bool:
    """_thread, and by default threading, whose threads are greenlets from now on.

    threading: patch that module too; the others matter only then. _threading_local: patch the local of that module.
    Event: exchange threading.Event. logging: give logging other locks. existing_locks: adapt locks of the standard
    library that would be in the way.
    """
    from plait.green.monkey.threads import patch_threads

    with _rebinding():
        return patch_threads(
            _warnings,
            with_threading=threading,
            with_local=_threading_local,
            with_event=Event,
            with_logging=logging,
            with_existing=existing_locks,
        )


@unless_vetoed
def patch_socket(dns: bool = True, aggressive: bool = True) -> bool:
    """Sockets. dns: the functions that look names up too. aggressive: has no meaning here any more."""
    with _rebinding():
        if dns:
            return patch_green_module("socket")
        return patch_green_module("socket", items=[name for name in _of("socket") if name not in _of_dns()])


@unless_vetoed
def patch_dns() -> bool:
    """The functions of socket that look names up; patch_socket does this too."""
    with _rebinding():
        return patch_green_module("socket", items=_of_dns())


@unless_vetoed
def patch_ssl(_warnings: Warnings | None = None, _first_time: bool = True) -> bool:
    """TLS, contexts that exist already included."""
    with _rebinding():
        return patch_green_module("ssl", _warnings)


@unless_vetoed
def patch_select(aggressive: bool = True) -> bool:
    """select and poll. aggressive: take away what would block all greenlets."""
    import_module("selectors")  # whose classes are made of what is taken away; from 3.14 on nothing else imports it
    with _rebinding():
        return patch_green_module("select", aggressive=aggressive)


@unless_vetoed
def patch_selectors(aggressive: bool = True) -> bool:
    """Selectors. aggressive: take away what would block all greenlets."""
    with _rebinding():
        return patch_green_module("selectors", aggressive=aggressive)


@unless_vetoed
def patch_subprocess() -> bool:
    """Child processes: their pipes and their ends; those of multiprocessing too."""
    for name in ("connection", "popen_fork", "synchronize"):
        when_imported(f"multiprocessing.{name}", partial(_adapt_processes, name))
    with _rebinding():
        return patch_green_module("subprocess")


def _adapt_processes(name: str, module: Any) -> None:
    from plait.green import processes  # when multiprocessing is there

    getattr(processes, f"adapt_{name}")(module)


@unless_vetoed
def patch_signal() -> bool:
    """signal's functions that wait or that know of SIGCHLD."""
    with _rebinding():
        return patch_green_module("signal")


@unless_vetoed
def patch_queue() -> bool:
    """queue's classes."""
    with _rebinding():
        return patch_green_module("queue", items=_QUEUES)


def patch_builtins() -> None:
    """Nothing: imports wait for each other by locks that patch_thread takes care of."""


def patch_contextvars() -> None:
    """Nothing: each greenlet has its own context."""


def patch_sys(stdin: bool = True, stdout: bool = True, stderr: bool = True) -> None:
    """Nothing: the interpreter writes to its streams where nothing can switch any more."""


_Patch = Callable[[dict[str, bool], Warnings], object]

# patch_all's arguments -> what they do, in the order of patching.
STEPS: dict[str, _Patch] = {
    "os": lambda flags, warnings: patch_os(),
    "thread": lambda flags, warnings: patch_thread(Event=flags["Event"], _warnings=warnings),
    "time": lambda flags, warnings: patch_time(),
    "sys": lambda flags, warnings: patch_sys(),
    "socket": lambda flags, warnings: patch_socket(dns=flags["dns"], aggressive=flags["aggressive"]),
    "select": lambda flags, warnings: (
        patch_selectors(aggressive=flags["aggressive"]),
        patch_select(aggressive=flags["aggressive"]),
    ),
    "ssl": lambda flags, warnings: patch_ssl(_warnings=warnings),
    "subprocess": lambda flags, warnings: patch_subprocess(),
    "builtins": lambda flags, warnings: patch_builtins(),
    "signal": lambda flags, warnings: patch_signal(),
    "queue": lambda flags, warnings: patch_queue(),
    "contextvars": lambda flags, warnings: patch_contextvars(),
}


def patch_all(
    socket: bool = True,
    dns: bool = True,
    time: bool = True,
    select: bool = True,
    thread: bool = True,
    os: bool = True,
    ssl: bool = True,
    subprocess: bool = True,
    sys: bool = False,
    aggressive: bool = True,
    Event: bool = True,
    builtins: bool = True,
    signal: bool = True,
    queue: bool = True,
    contextvars: bool = True,
    **kwargs: Any,
) -> bool | None:
    """Patch all that the arguments name; True, False where a subscriber vetoed it, None where nothing is new.

    kwargs: for subscribers to the events.
    """
    flags = {name: value for name, value in locals().items() if name != "kwargs"}
    warnings = Warnings()
    new = _new_settings(flags, warnings)
    if not new:
        warnings.show()
        return None
    try:
        notify(events.GeventWillPatchAllEvent(new, kwargs))
    except events.DoNotPatch:
        return False
    with _rebinding():
        for name, step in STEPS.items():
            if new.get(name):
                step(flags, warnings)
    notify(events.GeventDidPatchBuiltinModulesEvent(new, kwargs))
    notify(events.GeventDidPatchAllEvent(new, kwargs))
    warnings.show()
    return True


def _new_settings(flags: dict[str, bool], warnings: Warnings) -> dict[str, bool]:
    """Those that no call before has had, or had true."""
    if _settings and _settings != flags:
        warnings.append("Patching more than once will result in the union of all True parameters being patched")
    new = {name: value for name, value in flags.items() if name not in _settings or (value and not _settings[name])}
    _settings.update(new)
    return new


def _of(name: str) -> list[str]:
    return list(import_module(f"plait.green.{name}").__implements__)


def _of_dns() -> list[str]:
    return list(import_module("plait.green.socket").__dns__)
