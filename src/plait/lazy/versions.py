"""Which versions of plait and of what it works with there are, for reports of errors."""

from __future__ import annotations

import json
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

_RELATED = ("dask", "numpy", "pandas", "cloudpickle", "fsspec", "bokeh", "pyarrow", "zarr")


def versions() -> dict[str, str | None]:
    """Version by name; None for what is not installed."""
    found: dict[str, str | None] = {
        "Python": ".".join(map(str, sys.version_info[:3])),
        "Platform": platform.uname().system,
        "plait": _version("plait"),
    }
    found |= {name: _version(name) for name in _RELATED}
    found["distributed"] = _distributed()
    return found


def show_versions() -> None:
    """Print them as JSON."""
    print(json.dumps(versions(), indent=2))


def _distributed() -> str | None:
    """Of distributed, if it can be imported here: it may be there and not work, since it needs dask's own modules."""
    try:
        return str(import_module("distributed").__version__)
    except (ImportError, AttributeError):
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
