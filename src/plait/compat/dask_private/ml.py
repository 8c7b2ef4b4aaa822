"""dask.ml: the package dask-ml under dask's name."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    try:
        import dask_ml
    except ImportError as error:
        raise ImportError(
            f"dask.ml.{name} is of the package dask-ml, which is not installed: conda install dask-ml, or pip install "
            "dask-ml"
        ) from error
    return getattr(dask_ml, name)
