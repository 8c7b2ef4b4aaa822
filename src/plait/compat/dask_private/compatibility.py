"""dask._compatibility: which Python and system this is."""

from __future__ import annotations

import importlib.metadata as importlib_metadata
import sys
from importlib.metadata import entry_points as entry_points

from packaging.version import Version

__all__ = ["EMSCRIPTEN", "LINUX", "MACOS", "PY_VERSION", "WINDOWS", "entry_points", "importlib_metadata"]

PY_VERSION = Version(".".join(map(str, sys.version_info[:3])))
EMSCRIPTEN = sys.platform == "emscripten"
LINUX = sys.platform == "linux"
MACOS = sys.platform == "darwin"
WINDOWS = sys.platform == "win32"
