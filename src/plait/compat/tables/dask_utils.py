"""The rows of dask.utils and its like: names that many libraries import, wherever plait has them."""

from plait.compat.rows import Face, Row, Same

_PRIVATE = "plait.compat.dask_private"
_PLACES = {
    "plait.lazy.containers": "concrete deepmap digit ensure_dict ensure_set homogeneous_deepmap insert "
    "is_namedtuple_instance iter_chunks ndeepmap ndimlist stringify unzip",
    "plait.lazy.dispatch": "Dispatch",
    "plait.lazy.functions": "M MethodCache apply funcname has_keyword itemgetter methodcaller partial_by_order "
    "takes_multiple_arguments typename",
    "plait.lazy.key_names": "key_split",
    "plait.lazy.likeness": "is_arraylike is_cupy_type is_dataframe_like is_empty is_index_like is_integer "
    "is_series_like",
    "plait.lazy.locks": "SerializableLock",
    "plait.lazy.random_numpy": "pseudorandom random_state_data",
    "plait.lazy.shortening": "shorten_traceback",
    "plait.lazy.units": "byte_sizes format_bytes format_time format_time_ago memory_repr parse_bytes parse_timedelta "
    "timedelta_sizes",
    "plait.lazy.versions": "show_versions",
    f"{_PRIVATE}.base": "get_scheduler_lock",
    f"{_PRIVATE}.docs": "derived_from extra_titles get_named_args ignore_warning skip_doctest unsupported_arguments",
    f"{_PRIVATE}.files": "changed_cwd ensure_not_exists filetext filetexts tmp_cwd tmpdir tmpfile",
    f"{_PRIVATE}.utils": "IndexCallable OperatorMethodMixin _deprecated asciitable cached_cumsum cached_max "
    "cached_property disable_gc ensure_bytes ensure_unicode get_meta_library getargspec import_required "
    "maybe_pluralize natural_sort_key",
}
_TOKENS = "plait.lazy.tokens"

ROWS: dict[str, Row] = {
    "dask.__main__": Same(f"{_PRIVATE}.main"),
    "dask.cli": Same(f"{_PRIVATE}.cli"),
    "dask._compatibility": Same(f"{_PRIVATE}.compatibility"),
    "dask.hashing": Same(f"{_PRIVATE}.hashing"),
    "dask.ml": Same(f"{_PRIVATE}.ml"),
    "dask.sizeof": Face(
        {
            "SimpleSizeof": "plait.lazy.sizes:SimpleSizeof",
            "_register_entry_point_plugins": "plait.lazy.sizes:register_plugins",
            "sizeof": "plait.lazy.sizes:sizeof",
        }
    ),
    "dask.system": Same(f"{_PRIVATE}.system"),
    "dask.tokenize": Face(
        {
            "TokenizationError": f"{_TOKENS}:TokenizationError",
            "_ENSURE_DETERMINISTIC": f"{_TOKENS}.failing:ensured",
            "_SEEN": "plait.lazy._native.tokens:walks",
            "normalize_token": f"{_TOKENS}:normalize_token",
            "tokenize": f"{_TOKENS}:tokenize",
        }
    ),
    "dask.utils_test": Same(f"{_PRIVATE}.utils_test"),
    "dask.utils": Face({name: f"{place}:{name}" for place, names in _PLACES.items() for name in names.split()}),
}
