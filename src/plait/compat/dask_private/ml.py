"""dask.ml: the package dask-ml under dask's name.

Where that is not installed, importing a module of it says so; a bare name is an attribute that there is not, as for
every module, since pickle asks all modules for names.
"""

from __future__ import annotations

from typing import Any

_ABSENT = "dask.ml is the package dask-ml, which is not installed: conda install dask-ml, or pip install dask-ml"


def __getattr__(name: str) -> Any:
    try:
        import dask_ml
    except ImportError as error:
        raise (ImportError if name == "__path__" else AttributeError)(f"{name}: {_ABSENT}") from error
    return getattr(dask_ml, name)
