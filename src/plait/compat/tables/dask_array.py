"""The rows of dask.array."""

from plait.compat.rows import Face, Row, Same

_ARRAY = "plait.lazy.array"
_PRIVATE = "plait.compat.dask_private.arrays"


def _of(place: str, names: str) -> dict[str, str]:
    """Names that are called as they are there."""
    return {name: f"{place}:{name}" for name in names.split()}


_PUBLIC = _of(_ARRAY, "Array from_array")

ROWS: dict[str, Row] = {
    "dask.array": Face(
        {
            **_PUBLIC,
            "_array_expr_enabled": f"{_PRIVATE}:array_expr_enabled",
            "assert_eq": f"{_ARRAY}.testing:assert_eq",
            "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks",
        },
        submodules=("core", "numpy_compat", "utils"),
    ),
    "dask.array.core": Face(
        {**_of(_ARRAY, "Array from_array"), "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks"}
    ),
    "dask.array.numpy_compat": Same("plait.compat.dask_private.numpy_compat"),
    "dask.array.utils": Face(_of(f"{_ARRAY}.testing", "allclose assert_eq same_keys")),
}
