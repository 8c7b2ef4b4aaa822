"""dask: a face over plait.lazy, which holds lazy nodes and their evaluation."""

from plait.compat.rows import Face, Peer, Same
from plait.compat.tables.dask_bag import ROWS as ROWS_OF_BAGS
from plait.compat.tables.dask_graphs import ROWS as ROWS_OF_GRAPHS
from plait.compat.tables.dask_utils import ROWS as ROWS_OF_UTILS

_EVALUATION = ("compute", "persist", "is_dask_collection")

DASK = Peer(
    name="dask",
    version="2026.8.0",
    summary="Parallel PyData with Task Scheduling",
    modules={
        "dask": Face({name: f"plait.lazy:{name}" for name in ("delayed", "get", *_EVALUATION)}),
        "dask.base": Face(
            {
                **{name: f"plait.lazy:{name}" for name in _EVALUATION},
                **{name: f"plait.lazy.tokens:{name}" for name in ("TokenizationError", "normalize_token", "tokenize")},
            }
        ),
        "dask.config": Same("plait.lazy.config"),
        "dask.delayed": Face({name: f"plait.lazy:{name}" for name in ("Delayed", "delayed")}),
        **ROWS_OF_BAGS,
        **ROWS_OF_GRAPHS,
        **ROWS_OF_UTILS,
    },
    loads=("dask.base", "dask.config", "dask.delayed"),
)
