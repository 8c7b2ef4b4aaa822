"""Options that graphs and collections know, with their defaults; names that they had before.

The names are dask's, so that a user's files and variables mean the same here.
"""

from __future__ import annotations

from typing import Any

# Files whose frames say nothing to a user: patterns.
_MACHINERY = [
    r"[\\/]plait[\\/](_base|trace|greenlet|green|parallel|lazy)[\\/]",
    r"[\\/]concurrent[\\/]futures[\\/]",
    r"[\\/]multiprocessing[\\/]",
    r"[\\/]threading\.py$",
    r"[\\/]asyncio[\\/]",
    r"^<frozen runpy>$",
]

DEFAULTS: dict[str, Any] = {
    "temporary-directory": None,
    "memory-limit": None,
    "multiprocessing": {"allowed-failures": 3},
    "visualization": {"engine": None},
    "tokenize": {"ensure-deterministic": False},
    "dataframe": {
        "backend": "pandas",
        "shuffle": {"method": None, "compression": None},
        "parquet": {
            "metadata-task-size-local": 512,
            "metadata-task-size-remote": 1,
            "minimum-partition-size": 75_000_000,
        },
        "convert-string": None,
        "query-planning": None,
    },
    "array": {
        "backend": "numpy",
        "chunk-size": "128MiB",
        "chunk-size-tolerance": 1.25,
        "rechunk": {"method": None, "threshold": 4},
        "svg": {"size": 120},
        "slicing": {"split-large-chunks": None},
        "query-planning": None,
    },
    "optimization": {
        "annotations": {"fuse": True},
        "tune": {"active": True},
        "fuse": {
            "active": None,
            "ave-width": 1,
            "max-width": None,
            "max-height": float("inf"),
            "max-depth-new-edges": None,
            "rename-keys": True,
            "delayed": False,
        },
    },
    "admin": {"async-client-fallback": None, "traceback": {"shorten": _MACHINERY}},
}

RENAMED: dict[str, str | None] = {
    "fuse-ave-width": "optimization.fuse.ave-width",
    "fuse-max-height": "optimization.fuse.max-height",
    "fuse-max-width": "optimization.fuse.max-width",
    "fuse-rename-keys": "optimization.fuse.rename-keys",
    "fuse-max-depth-new-edges": "optimization.fuse.max-depth-new-edges",
    "shuffle": "dataframe.shuffle.method",
    "shuffle-compression": "dataframe.shuffle.compression",
    "array.rechunk-threshold": "array.rechunk.threshold",
    "dataframe.shuffle.algorithm": "dataframe.shuffle.method",
    "dataframe.shuffle-compression": "dataframe.shuffle.compression",
    "admin.traceback.shorten.what": "admin.traceback.shorten",
    "array.shuffle.chunksize-tolerance": "array.chunk-size-tolerance",
}
