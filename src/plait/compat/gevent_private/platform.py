"""gevent._compat: what interpreter and system this is, and names that were spelled differently in Python 2."""

import _imp
import io
import sys
from os import PathLike as PathLike
from os import fsdecode as fsdecode
from os import fsencode as fsencode
from os import fspath as fspath
from time import get_clock_info as get_clock_info
from time import monotonic as monotonic
from time import perf_counter as perf_counter
from types import TracebackType
from typing import Any, NoReturn

PY311 = True
PY312 = sys.version_info >= (3, 12)
PY313 = sys.version_info >= (3, 13)
PY314 = sys.version_info >= (3, 14)
PYPY = False
WIN = False
LINUX = sys.platform == "linux"
OSX = MAC = sys.platform == "darwin"
PURE_PYTHON = GLOBAL_PURE_PYTHON = False

string_types = (str,)
integer_types = (int,)
text_type = str
native_path_types = (str, bytes)
hostname_types = (str, bytes, bytearray)
thread_mod_name = "_thread"

NativeStrIO = io.StringIO
iteritems = dict.items
itervalues = dict.values
xrange = range
izip = zip
imp_acquire_lock = _imp.acquire_lock
imp_release_lock = _imp.release_lock


def pure_python_module(mod_name: str) -> bool:
    return False


def reraise(t: type[BaseException], value: BaseException, tb: TracebackType | None = None) -> NoReturn:
    """Raise the exception with that traceback."""
    raise value.with_traceback(tb)


def exc_clear() -> None:
    """Nothing: exceptions end with their handlers."""


def get_this_psutil_process() -> Any:
    """psutil's object of this process; None where psutil is not installed, or may not read it."""
    try:
        import psutil
    except ImportError:
        return None
    process = psutil.Process()
    try:
        process.memory_full_info()
    except psutil.AccessDenied:
        return None
    return process
