"""The rows of dask.base, dask.delayed and of the schedulers."""

from plait.compat.rows import Face, Row, Same

_LAZY = "plait.lazy"
_PRIVATE = "plait.compat.dask_private"
_PUBLIC = "annotate compute get_annotations is_dask_collection optimize persist visualize"
NAMES = {name: f"{_LAZY}:{name}" for name in _PUBLIC.split()}

ROWS: dict[str, Row] = {
    "dask.base": Face(
        {
            **NAMES,
            **{
                name: f"{_PRIVATE}.base:{name}"
                for name in ["DaskMethodsMixin", "compute_as_if_collection", "get_scheduler", "unpack_collections"]
            },
            "clone_key": f"{_LAZY}.key_names:cloned",
            "flatten": f"{_LAZY}.protocol:flatten",
            "get_collection_names": f"{_LAZY}.protocol:names_of",
            "get_name_from_key": f"{_LAZY}.key_names:name_of",
            "key_split": f"{_LAZY}.key_names:key_split",
            "named_schedulers": f"{_LAZY}.gets:named",
            "replace_name_in_key": f"{_LAZY}.key_names:renamed",
            **{name: f"{_LAZY}.tokens:{name}" for name in ("TokenizationError", "normalize_token", "tokenize")},
        }
    ),
    "dask.callbacks": Same(f"{_LAZY}.callbacks"),
    "dask.delayed": Face({name: f"{_LAZY}:{name}" for name in ("Delayed", "delayed")}),
    "dask.diagnostics": Face(
        {
            **{
                name: f"{_LAZY}.diagnostics:{name}"
                for name in ("CacheProfiler", "Profiler", "ProgressBar", "ResourceProfiler")
            },
            "Callback": f"{_LAZY}.callbacks:Callback",
        }
    ),
    "dask.local": Face(
        {
            **{name: f"{_PRIVATE}.running:{name}" for name in ("get_async", "sortkey", "synchronous_executor")},
            "SynchronousExecutor": f"{_PRIVATE}.running:SynchronousExecutor",
            "get_sync": f"{_LAZY}.gets:get_sync",
            "identity": f"{_LAZY}.keys:identity",
        }
    ),
    "dask.multiprocessing": Face(
        {
            **{
                name: f"{_PRIVATE}.running:{name}"
                for name in ("RemoteException", "_dumps", "_loads", "get_context", "remote_exception")
            },
            "get": f"{_LAZY}.gets:get_processes",
        }
    ),
    "dask.threaded": Face({"get": f"{_LAZY}.gets:get_threads"}),
}
