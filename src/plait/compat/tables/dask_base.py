"""The rows of dask.base, dask.delayed and of the schedulers."""

from plait.compat.rows import Face, Row, Same

_LAZY = "plait.lazy"
_PRIVATE = "plait.compat.dask_private"
_PUBLIC = "annotate compute get_annotations is_dask_collection optimize persist visualize"
NAMES = {name: f"{_LAZY}:{name}" for name in _PUBLIC.split()}
_OF_BASE = (
    "DaskMethodsMixin collections_to_expr compute_as_if_collection dont_optimize get_scheduler unpack_collections "
    "visualize_dsk"
)
_OF_LOCAL = "SynchronousExecutor finish_task get_async sortkey start_state_from_dask synchronous_executor"
_OF_MULTIPROCESSING = "RemoteException _dumps _loads get_context remote_exception"
_OF_DIAGNOSTICS = "CacheProfiler Profiler ProgressBar ResourceProfiler"


def _names(module: str, names: str) -> dict[str, str]:
    return {name: f"{module}:{name}" for name in names.split()}


ROWS: dict[str, Row] = {
    "dask.base": Face(
        {
            **NAMES,
            **_names(f"{_PRIVATE}.base", _OF_BASE),
            **_names(f"{_LAZY}.tokens", "TokenizationError normalize_token tokenize"),
            "clone_key": f"{_LAZY}.key_names:cloned",
            "flatten": f"{_LAZY}.graphs.walks:flatten",
            "get_collection_names": f"{_LAZY}.protocol:names_of",
            "get_name_from_key": f"{_LAZY}.key_names:name_of",
            "key_split": f"{_LAZY}.key_names:key_split",
            "named_schedulers": f"{_LAZY}.schedulers:named",
            "replace_name_in_key": f"{_LAZY}.key_names:renamed",
        }
    ),
    "dask.callbacks": Same(f"{_LAZY}.callbacks"),
    "dask.context": Face({"globalmethod": f"{_LAZY}.config_methods:globalmethod"}),
    "dask.cache": Same(f"{_LAZY}.caching"),
    "dask.datasets": Face(
        {"make_people": f"{_LAZY}.datasets:make_people", "timeseries": f"{_LAZY}.dataframe.datasets:timeseries"}
    ),
    "dask.delayed": Face({**_names(_LAZY, "Delayed delayed"), "to_task_dask": f"{_PRIVATE}.base:to_task_dask"}),
    "dask.diagnostics": Face(
        {**_names(f"{_LAZY}.diagnostics", _OF_DIAGNOSTICS), "Callback": f"{_LAZY}.callbacks:Callback"}
    ),
    "dask.diagnostics.profile": Same(f"{_LAZY}.diagnostics.profiles"),
    "dask.diagnostics.profile_visualize": Face(
        {
            **_names(f"{_LAZY}.diagnostics.figures", "get_colors plot_cache plot_resources plot_tasks visualize"),
            **_names(f"{_PRIVATE}.running", "BOKEH_VERSION unquote"),
        }
    ),
    "dask.diagnostics.progress": Face(
        {"ProgressBar": f"{_LAZY}.diagnostics:ProgressBar", "format_time": f"{_PRIVATE}.running:format_time"}
    ),
    "dask.local": Face(
        {
            **_names(f"{_PRIVATE}.running", _OF_LOCAL),
            "get_sync": f"{_LAZY}.gets:get_sync",
            "identity": f"{_LAZY}.keys:identity",
        }
    ),
    "dask.multiprocessing": Face(
        {**_names(f"{_PRIVATE}.running", _OF_MULTIPROCESSING), "get": f"{_LAZY}.gets:get_processes"}
    ),
    "dask.threaded": Face({"get": f"{_LAZY}.gets:get_threads"}),
}
