"""plait.lazy: lazy task graphs with the names of dask.

from plait.lazy import compute, delayed

@delayed
def double(x):
    return 2 * x

total = delayed(sum)([double(i) for i in range(4)])
assert compute(total) == (12,)
"""

from plait.lazy import config as config
from plait.lazy.annotating import annotate as annotate
from plait.lazy.annotating import get_annotations as get_annotations
from plait.lazy.computing import compute as compute
from plait.lazy.computing import get as get
from plait.lazy.computing import persist as persist
from plait.lazy.decorator import delayed as delayed
from plait.lazy.handles import Delayed as Delayed
from plait.lazy.optimizing import optimize as optimize
from plait.lazy.protocol import is_dask_collection as is_dask_collection
from plait.lazy.sizes import sizeof as sizeof
from plait.lazy.tokens import TokenizationError as TokenizationError
from plait.lazy.tokens import normalize_token as normalize_token
from plait.lazy.tokens import tokenize as tokenize

TYPE_CHECKING = False  # type checkers read it as true
if TYPE_CHECKING:
    from plait.lazy.drawing import visualize as visualize
    from plait.lazy.futures import Client as Client
    from plait.lazy.futures import Future as Future
    from plait.lazy.futures import as_completed as as_completed
    from plait.lazy.futures import wait as wait

# Name -> the module that has it, of those that are imported on first use: they need much of the standard library.
_LATER = {
    "Client": "plait.lazy.futures",
    "Future": "plait.lazy.futures",
    "as_completed": "plait.lazy.futures",
    "visualize": "plait.lazy.drawing",
    "wait": "plait.lazy.futures",
}

__all__ = [
    "Client",
    "Delayed",
    "Future",
    "TokenizationError",
    "as_completed",
    "compute",
    "config",
    "delayed",
    "get",
    "is_dask_collection",
    "normalize_token",
    "persist",
    "sizeof",
    "tokenize",
    "wait",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'plait.lazy' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value
