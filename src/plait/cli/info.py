"""`plait info`: versions, which native parts are in, and the limits of this machine that plait runs into.

Reads /proc and /sys only; a limit that cannot be read shows as "unknown".
"""

import ctypes
import mmap
import os
import platform
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version
from pathlib import Path

REQUIRED = ("plait.trace._ring", "plait.greenlet._core")
PACKAGE = Path(__file__).parents[1]
MADV_GUARD_INSTALL = 102  # Linux 6.13: guard pages without a mapping each


def report() -> str:
    """The whole report, one `name: value` a line, in groups."""
    return "\n\n".join("\n".join([title, *_lines(group)]) for title, group in _GROUPS)


def _lines(group: Callable[[], Iterable[tuple[str, str]]]) -> list[str]:
    return [f"  {name}: {value}" for name, value in group()]


def _versions() -> Iterator[tuple[str, str]]:
    yield "plait", version("plait")
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"


def _native_parts() -> Iterator[tuple[str, str]]:
    """What is required, and whatever else was built for this Python."""
    suffix = EXTENSION_SUFFIXES[0]
    found = {
        str(path.relative_to(PACKAGE.parent)).removesuffix(suffix).replace(os.sep, "."): str(path)
        for path in PACKAGE.rglob(f"*{suffix}")
    }
    for name in sorted({*REQUIRED, *found}):
        yield name, found.get(name, "missing; reinstall plait")


def _limits() -> Iterator[tuple[str, str]]:
    yield "cores", f"{os.cpu_count()} in the machine, {len(os.sched_getaffinity(0))} for this process"
    yield "cgroup cpu limit", _read(_cgroup_cpus)
    yield "memory", f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 20} MiB"
    yield "cgroup memory limit", _read(lambda: _cgroup("memory.max"))
    yield "vm.max_map_count", _read(lambda: _proc("sys/vm/max_map_count"))
    yield "vm.overcommit_memory", _read(lambda: _proc("sys/vm/overcommit_memory"))
    yield "address space (ulimit -v)", _limit(resource.RLIMIT_AS)
    yield "open files (ulimit -n)", _limit(resource.RLIMIT_NOFILE)
    yield "guard pages without mappings", "yes" if _guard_pages() else "no, two mappings a stack"


_GROUPS = (("versions", _versions), ("native parts", _native_parts), ("limits", _limits))


def _read(what: Callable[[], str]) -> str:
    try:
        return what()
    except (OSError, ValueError):
        return "unknown"


def _proc(name: str) -> str:
    return Path("/proc", name).read_text().strip()


def _cgroup(name: str) -> str:
    """A value of this process's cgroup (version 2), of the nearest group that has it."""
    inside = next(line for line in _proc("self/cgroup").splitlines() if line.startswith("0::"))[3:].lstrip("/")
    folder = Path("/sys/fs/cgroup", inside)
    for group in (folder, *folder.parents):
        if (group / name).is_file():
            return (group / name).read_text().strip()
    return "none"


def _cgroup_cpus() -> str:
    quota, _, period = _cgroup("cpu.max").partition(" ")
    return f"{int(quota) / int(period):.2f} cores" if quota.isdecimal() else "none"


def _limit(which: int) -> str:
    soft, hard = resource.getrlimit(which)
    return ", ".join("unlimited" if n == resource.RLIM_INFINITY else str(n) for n in (soft, hard)) + " (soft, hard)"


def _guard_pages() -> bool:
    """Whether the kernel takes MADV_GUARD_INSTALL, tried on one page."""
    with mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
        anchor = ctypes.c_char.from_buffer(page)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        done: int = libc.madvise(ctypes.addressof(anchor), mmap.PAGESIZE, MADV_GUARD_INSTALL)
        del anchor
    return done == 0
