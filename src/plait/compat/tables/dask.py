"""dask: a face over plait.lazy, which holds lazy nodes and their evaluation."""

from plait.compat.rows import Face, Made, Peer, Same
from plait.compat.tables.dask_array import ROWS as ROWS_OF_ARRAYS
from plait.compat.tables.dask_bag import ROWS as ROWS_OF_BAGS
from plait.compat.tables.dask_base import NAMES
from plait.compat.tables.dask_base import ROWS as ROWS_OF_BASE
from plait.compat.tables.dask_dataframe import ROWS as ROWS_OF_FRAMES
from plait.compat.tables.dask_graphs import ROWS as ROWS_OF_GRAPHS
from plait.compat.tables.dask_utils import ROWS as ROWS_OF_UTILS

# What `import dask` imports by itself.
_SUBMODULES = (
    "_compatibility",
    "_task_spec",
    "cache",
    "callbacks",
    "context",
    "core",
    "datasets",
    "hashing",
    "highlevelgraph",
    "local",
    "multiprocessing",
    "optimization",
    "order",
    "sizeof",
    "system",
    "threaded",
    "tokenize",
    "typing",
    "utils",
)

_CLUSTERS = Same("plait.compat.dask_private.clusters")
_DISTRIBUTED = Made("plait.compat.dask_private.distributed:module")

DASK = Peer(
    name="dask",
    version="2026.8.0",
    summary="Parallel PyData with Task Scheduling",
    modules={
        "dask": Face(
            {**NAMES, "delayed": "plait.lazy:delayed", "get": "plait.lazy.gets:get_sync"}, submodules=_SUBMODULES
        ),
        "dask.config": Same("plait.lazy.config"),
        **ROWS_OF_BASE,
        "dask.distributed": _DISTRIBUTED,
        "dask.distributed.utils_test": _CLUSTERS,
        **ROWS_OF_ARRAYS,
        **ROWS_OF_BAGS,
        **ROWS_OF_FRAMES,
        **ROWS_OF_GRAPHS,
        **ROWS_OF_UTILS,
    },
    # distributed itself would find plait where it needs the real dask.
    also={"distributed": _DISTRIBUTED, "distributed.utils_test": _CLUSTERS},
    loads=("dask.base", "dask.config", "dask.delayed"),
)
