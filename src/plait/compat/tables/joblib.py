"""joblib: a face over plait.parallel, which holds joblib's loops."""

from plait.compat.rows import Face, Peer, Row, Same

_PRIVATE = "plait.compat.joblib_private"
_LOOP = ("Parallel", "delayed", "cpu_count", "effective_n_jobs")
_CACHING = ("MemorizedResult", "Memory", "expires_after", "register_store_backend")
_BACKEND_CLASSES = (
    "AutoBatchingMixin",
    "FallbackToBackend",
    "LokyBackend",
    "MultiprocessingBackend",
    "ParallelBackendBase",
    "SequentialBackend",
    "ThreadingBackend",
)
_BACKENDS = {name: f"plait.parallel.backends:{name}" for name in _BACKEND_CLASSES}
_CONFIG = "plait.parallel.config"
_CONTEXTS = {name: f"{_CONFIG}:{name}" for name in ("parallel_backend", "parallel_config")}
_REGISTRY = "plait.parallel.backends.registry"
_DEFAULTS = ("DEFAULT_BACKEND", "DEFAULT_PROCESS_BACKEND", "DEFAULT_THREAD_BACKEND")
_REGISTERED = ("BACKENDS", "EXTERNAL_BACKENDS", "MAYBE_AVAILABLE_BACKENDS", "register_parallel_backend")
_ERRORS = "plait.parallel.errors"
_LOGGER = "plait.parallel.logger"
_WRAPPING = "plait.parallel.wrapping"
_HASHING = "plait.parallel.hashing"
_COMPRESSORS = "plait.parallel.persist.compressors"
_OPENING = "plait.parallel.persist.opening"
_ARRAYS = "plait.parallel.persist.arrays_numpy"
_PERSIST = {name: f"plait.parallel.persist:{name}" for name in ("dump", "load", "register_compressor")}
_COMPRESSOR_NAMES = (
    "BZ2CompressorWrapper",
    "CompressorWrapper",
    "GzipCompressorWrapper",
    "LZ4CompressorWrapper",
    "LZMACompressorWrapper",
    "XZCompressorWrapper",
    "ZlibCompressorWrapper",
    "register_compressor",
)
_COMPRESSOR_DATA = (
    "BZ2_PREFIX",
    "COMPRESSORS",
    "GZIP_PREFIX",
    "LZ4_PREFIX",
    "LZMA_PREFIX",
    "XZ_PREFIX",
    "ZLIB_PREFIX",
)
_MEMORY = "plait.parallel.memory"
_STORES = ("CacheItemInfo", "CacheWarning", "FileSystemStoreBackend", "StoreBackendBase")
_FUNCTIONS = ("filter_args", "format_call", "format_signature", "get_func_code", "get_func_name")
_LOKY = (
    "ALL_COMPLETED",
    "BrokenProcessPool",
    "CancelledError",
    "Executor",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "Future",
    "TimeoutError",
    "ProcessPoolExecutor",
    "as_completed",
    "get_reusable_executor",
    "set_loky_pickler",
    "wait",
)

_MODULES: dict[str, Row] = {
    "joblib": Face(
        {
            **{name: f"plait.parallel:{name}" for name in _LOOP},
            **_CONTEXTS,
            "register_parallel_backend": f"{_REGISTRY}:register_parallel_backend",
            **{name: f"{_LOGGER}:{name}" for name in ("Logger", "PrintTime")},
            **_PERSIST,
            "hash": f"{_HASHING}:hash",
            **{name: f"plait.parallel:{name}" for name in _CACHING},
            "wrap_non_picklable_objects": f"{_WRAPPING}:wrap_non_picklable_objects",
        },
        submodules=(
            "_cloudpickle_wrapper",
            "_memmapping_reducer",
            "_multiprocessing_helpers",
            "_parallel_backends",
            "_utils",
            "executor",
            "externals",
            "pool",
        ),
    ),
    "joblib.parallel": Face(
        {
            **{name: f"plait.parallel:{name}" for name in _LOOP},
            **_BACKENDS,
            **_CONTEXTS,
            **{name: f"{_REGISTRY}:{name}" for name in _REGISTERED},
            **{name: f"{_LOGGER}:{name}" for name in ("Logger", "short_format_time")},
            "BatchedCalls": "plait.parallel.callbacks:BatchedCalls",
            "VALID_BACKEND_CONSTRAINTS": f"{_CONFIG}:REQUIREMENTS",
            "VALID_BACKEND_HINTS": f"{_CONFIG}:PREFERENCES",
            "default_parallel_config": f"{_PRIVATE}.parallel:default_parallel_config",
            "eval_expr": "plait.parallel.arithmetic:evaluate",
            "get_active_backend": f"{_CONFIG}:get_active_backend",
            "memstr_to_bytes": f"{_MEMORY}.disk:memstr_to_bytes",
            "mp": f"{_PRIVATE}.multiprocessing_helpers:mp",
        },
        slots={
            **{name: f"{_REGISTRY}:{name}" for name in _DEFAULTS},
            "BatchCompletionCallBack": "plait.parallel.callbacks:BatchCompletionCallBack",
        },
    ),
    "joblib._parallel_backends": Face({**_BACKENDS, "cpu_count": "plait.parallel:cpu_count"}),
    "joblib.logger": Same(_LOGGER),
    "joblib.hashing": Face(
        {"hash": f"{_HASHING}:hash", "Hasher": f"{_HASHING}:Hasher", "NumpyHasher": f"{_HASHING}:Hasher"}
    ),
    "joblib.compressor": Face(
        {
            **{name: f"{_COMPRESSORS}:{name}" for name in _COMPRESSOR_NAMES},
            **{f"_{name}": f"{_COMPRESSORS}:{name}" for name in _COMPRESSOR_DATA},
            "BinaryZlibFile": f"{_COMPRESSORS}:ZlibFile",
            "BinaryGzipFile": f"{_COMPRESSORS}:GzipFile",
            "LZ4_NOT_INSTALLED_ERROR": f"{_COMPRESSORS}:NO_LZ4",
            "_ZFILE_PREFIX": f"{_COMPRESSORS}:OLD_PREFIX",
        }
    ),
    "joblib.numpy_pickle": Face(
        {
            **_PERSIST,
            **{name: f"plait.parallel.persist:{name}" for name in ("NumpyPickler", "NumpyUnpickler")},
            "NumpyArrayWrapper": f"{_ARRAYS}:Record",
            "NDArrayWrapper": f"{_ARRAYS}:FiledRecord",
            "ZNDArrayWrapper": f"{_ARRAYS}:PackedRecord",
            "NUMPY_ARRAY_ALIGNMENT_BYTES": f"{_ARRAYS}:ALIGNMENT_BYTES",
        }
    ),
    "joblib.numpy_pickle_utils": Face(
        {
            "_IO_BUFFER_SIZE": f"{_COMPRESSORS}:IO_BUFFER_BYTES",
            "_detect_compressor": f"{_OPENING}:kind_of",
            "_is_raw_file": f"{_OPENING}:is_raw",
            "_ensure_native_byte_order": f"{_ARRAYS}:native",
            "_is_numpy_array_byte_order_mismatch": f"{_ARRAYS}:is_foreign",
        }
    ),
    "joblib.numpy_pickle_compat": Same(f"{_PRIVATE}.old_files"),
    "joblib.memory": Face(
        {
            **{name: f"{_MEMORY}.memory:{name}" for name in ("Memory", "expires_after")},
            **{
                name: f"{_MEMORY}.memorized:{name}"
                for name in ("AsyncMemorizedFunc", "AsyncNotMemorizedFunc", "MemorizedFunc", "NotMemorizedFunc")
            },
            **{name: f"{_MEMORY}.results:{name}" for name in ("MemorizedResult", "NotMemorizedResult")},
            **{name: f"{_MEMORY}.codes:{name}" for name in ("JobLibCollisionWarning", "extract_first_line")},
            **{name: f"{_MEMORY}.stores:{name}" for name in _STORES},
            **{name: f"{_MEMORY}.functions:{name}" for name in _FUNCTIONS},
            **{name: f"{_LOGGER}:{name}" for name in ("Logger", "format_time", "pformat")},
            "FIRST_LINE_TEXT": f"{_MEMORY}.codes:FIRST_LINE_TEXT",
            "register_store_backend": f"{_MEMORY}.registry:register_store_backend",
            "_FUNCTION_HASHES": f"{_MEMORY}.codes:KNOWN",
            "_STORE_BACKENDS": f"{_MEMORY}.registry:STORES",
            "_build_func_identifier": f"{_MEMORY}.memorized:function_identifier",
            "_store_backend_factory": f"{_MEMORY}.registry:open_store",
        }
    ),
    "joblib.func_inspect": Face(
        {
            **{name: f"{_MEMORY}.functions:{name}" for name in _FUNCTIONS},
            "_clean_win_chars": f"{_PRIVATE}.func_inspect:_clean_win_chars",
        }
    ),
    "joblib.disk": Same(f"{_MEMORY}.disk"),
    "joblib._store_backends": Face(
        {name: f"{_MEMORY}.stores:{name}" for name in (*_STORES, "StoreBackendMixin", "concurrency_safe_write")}
    ),
    "joblib.backports": Same(f"{_PRIVATE}.backports"),
    "joblib.testing": Same(f"{_PRIVATE}.testing"),
    "joblib._memmapping_reducer": Same(f"{_PRIVATE}.memmapping_reducer"),
    "joblib._utils": Face({"eval_expr": "plait.parallel.arithmetic:evaluate"}),
    "joblib._multiprocessing_helpers": Same(f"{_PRIVATE}.multiprocessing_helpers"),
    "joblib._cloudpickle_wrapper": Face({"wrap_non_picklable_objects": f"{_WRAPPING}:wrap_non_picklable_objects"}),
    "joblib.executor": Face(
        {
            name: f"{_PRIVATE}.executor:{name}"
            for name in ("MemmappingExecutor", "_TestingMemmappingExecutor", "get_memmapping_executor")
        }
    ),
    "joblib.pool": Same(f"{_PRIVATE}.pool"),
    "joblib.externals": Face({}, submodules=("loky",)),
    "joblib.externals.loky": Face(
        {
            **{name: f"{_PRIVATE}.loky:{name}" for name in _LOKY},
            "cpu_count": "plait.parallel:cpu_count",
            "wrap_non_picklable_objects": f"{_WRAPPING}:wrap_non_picklable_objects",
        },
        submodules=("backend", "process_executor"),
    ),
    "joblib.externals.loky.process_executor": Face(
        {"BrokenProcessPool": f"{_PRIVATE}.loky:BrokenProcessPool", "TerminatedWorkerError": f"{_ERRORS}:WorkerDied"}
    ),
    "joblib.externals.loky.backend": Face({}, submodules=("resource_tracker",)),
    "joblib.externals.loky.backend.resource_tracker": Same(f"{_PRIVATE}.resource_tracker"),
}

JOBLIB = Peer(
    name="joblib",
    version="1.6.0",
    summary="Lightweight pipelining with Python functions",
    modules=_MODULES,
    loads=(
        "joblib.parallel",
        "joblib.logger",
        "joblib.hashing",
        "joblib.memory",
        "joblib.numpy_pickle",
        "joblib.compressor",
    ),
)
