"""joblib: a face over plait.parallel, which holds joblib's loops."""

from plait.compat.rows import Face, Peer, Row, Same

_PRIVATE = "plait.compat.joblib_private"
_LOOP = ("Parallel", "delayed", "cpu_count", "effective_n_jobs")
_ERRORS = "plait.parallel.errors"
_LOGGER = "plait.parallel.logger"
_WRAPPING = "plait.parallel.wrapping"
_LOKY = (
    "ALL_COMPLETED",
    "CancelledError",
    "Executor",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "Future",
    "TimeoutError",
    "as_completed",
    "set_loky_pickler",
    "wait",
)

_MODULES: dict[str, Row] = {
    "joblib": Face(
        {
            **{name: f"plait.parallel:{name}" for name in _LOOP},
            **{name: f"{_LOGGER}:{name}" for name in ("Logger", "PrintTime")},
            "wrap_non_picklable_objects": f"{_WRAPPING}:wrap_non_picklable_objects",
        },
        submodules=("_cloudpickle_wrapper", "_multiprocessing_helpers", "_utils", "externals"),
    ),
    "joblib.parallel": Face({name: f"plait.parallel:{name}" for name in _LOOP}),
    "joblib.logger": Same(_LOGGER),
    "joblib.testing": Same(f"{_PRIVATE}.testing"),
    "joblib._utils": Face({"eval_expr": "plait.parallel.arithmetic:evaluate"}),
    "joblib._multiprocessing_helpers": Same(f"{_PRIVATE}.multiprocessing_helpers"),
    "joblib._cloudpickle_wrapper": Face({"wrap_non_picklable_objects": f"{_WRAPPING}:wrap_non_picklable_objects"}),
    "joblib.externals": Face({}, submodules=("loky",)),
    "joblib.externals.loky": Face(
        {
            **{name: f"{_PRIVATE}.loky:{name}" for name in _LOKY},
            "BrokenProcessPool": f"{_ERRORS}:PoolError",
            "cpu_count": "plait.parallel:cpu_count",
            "wrap_non_picklable_objects": f"{_WRAPPING}:wrap_non_picklable_objects",
        },
        submodules=("backend", "process_executor"),
    ),
    "joblib.externals.loky.process_executor": Face(
        {"BrokenProcessPool": f"{_ERRORS}:PoolError", "TerminatedWorkerError": f"{_ERRORS}:WorkerDied"}
    ),
    "joblib.externals.loky.backend": Face({}, submodules=("resource_tracker",)),
    "joblib.externals.loky.backend.resource_tracker": Same(f"{_PRIVATE}.resource_tracker"),
}

JOBLIB = Peer(
    name="joblib",
    version="1.6.0",
    summary="Lightweight pipelining with Python functions",
    modules=_MODULES,
    loads=("joblib.parallel", "joblib.logger"),
)
