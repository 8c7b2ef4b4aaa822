"""The rows of dask.array."""

from plait.compat.rows import Face, Row

_ARRAY = "plait.lazy.array"
_PUBLIC = "Array from_array"
_NAMES = {name: f"{_ARRAY}:{name}" for name in _PUBLIC.split()}

ROWS: dict[str, Row] = {
    "dask.array": Face(_NAMES, submodules=("core",)),
    "dask.array.core": Face(
        {
            **{name: f"{_ARRAY}:{name}" for name in ("Array", "from_array")},
            "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks",
        }
    ),
}
