"""joblib: a face over plait.parallel, which holds joblib's loops."""

from plait.compat.rows import Face, Peer

_LOOP = ("Parallel", "delayed", "cpu_count", "effective_n_jobs")

JOBLIB = Peer(
    name="joblib",
    version="1.6.0",
    summary="Lightweight pipelining with Python functions",
    modules={
        "joblib": Face({name: f"plait.parallel:{name}" for name in _LOOP}),
        "joblib.parallel": Face({name: f"plait.parallel:{name}" for name in _LOOP}),
    },
    loads=("joblib.parallel",),
)
