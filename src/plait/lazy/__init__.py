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
from plait.lazy.drawing import visualize as visualize
from plait.lazy.handles import Delayed as Delayed
from plait.lazy.optimizing import optimize as optimize
from plait.lazy.protocol import is_dask_collection as is_dask_collection
from plait.lazy.sizes import sizeof as sizeof
from plait.lazy.tokens import TokenizationError as TokenizationError
from plait.lazy.tokens import normalize_token as normalize_token
from plait.lazy.tokens import tokenize as tokenize

__all__ = [
    "Delayed",
    "TokenizationError",
    "compute",
    "config",
    "delayed",
    "get",
    "is_dask_collection",
    "normalize_token",
    "persist",
    "sizeof",
    "tokenize",
]
