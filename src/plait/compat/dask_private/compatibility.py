"""dask._compatibility: which Python and system this is."""

from __future__ import annotations

import importlib
import importlib.metadata as importlib_metadata
import sys
from importlib.metadata import entry_points as entry_points
from typing import Any

from packaging.version import Version

__all__ = [
    "EMSCRIPTEN",
    "LINUX",
    "MACOS",
    "PY_VERSION",
    "WINDOWS",
    "entry_points",
    "import_optional_dependency",
    "importlib_metadata",
]

PY_VERSION = Version(".".join(map(str, sys.version_info[:3])))
EMSCRIPTEN = sys.platform == "emscripten"
LINUX = sys.platform == "linux"
MACOS = sys.platform == "darwin"
WINDOWS = sys.platform == "win32"


def import_optional_dependency(
    name: str, extra: str = "", min_version: str | None = None, *, errors: str = "raise"
) -> Any:
    """The module of that name. errors: "ignore" gives None where it is not there. Raises ImportError."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if errors == "ignore":
            return None
        raise ImportError(
            f"Missing optional dependency {name!r}. {extra} Use pip or conda to install {name}."
        ) from None
