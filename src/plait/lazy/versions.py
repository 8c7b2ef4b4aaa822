"""Which versions of plait and of what it works with there are, for reports of errors."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

_RELATED = ("dask", "distributed", "numpy", "pandas", "cloudpickle", "fsspec", "bokeh", "pyarrow", "zarr")


def versions() -> dict[str, str | None]:
    """Version by name; None for what is not installed."""
    found: dict[str, str | None] = {
        "Python": ".".join(map(str, sys.version_info[:3])),
        "Platform": platform.uname().system,
        "plait": _version("plait"),
    }
    return found | {name: _version(name) for name in _RELATED}


def show_versions() -> None:
    """Print them as JSON."""
    print(json.dumps(versions(), indent=2))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
