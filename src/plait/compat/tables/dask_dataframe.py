"""The rows of dask.dataframe."""

from plait.compat.rows import Face, Row

_FRAME = "plait.lazy.dataframe"
_PUBLIC = "DataFrame Index Scalar Series from_pandas"
_NAMES = {name: f"{_FRAME}:{name}" for name in _PUBLIC.split()}

ROWS: dict[str, Row] = {
    "dask.dataframe": Face(_NAMES, submodules=("core",)),
    "dask.dataframe.core": Face({name: f"{_FRAME}:{name}" for name in ("DataFrame", "Index", "Scalar", "Series")}),
}
