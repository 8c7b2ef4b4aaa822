"""The rows of dask.array."""

from plait.compat.rows import Face, Row, Same

_ARRAY = "plait.lazy.array"
_PRIVATE = "plait.compat.dask_private.arrays"


def _of(place: str, names: str) -> dict[str, str]:
    """Names that are called as they are there."""
    return {name: f"{place}:{name}" for name in names.split()}


_PUBLIC = _of(
    _ARRAY,
    """
    Array all angle any append arange argmax argmin argtopk array asanyarray asarray atleast_1d atleast_2d
    atleast_3d average block blockwise broadcast_arrays broadcast_to clip concatenate corrcoef cov cumprod
    cumreduction cumsum diag diagonal dot dstack einsum empty empty_like expand_dims eye fix flip fliplr flipud
    from_array from_delayed from_func fromfunction frompyfunc full full_like hstack i0 imag indices iscomplex
    isneginf isposinf isreal linspace map_blocks matmul max mean median meshgrid min moment moveaxis nan_to_num
    nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod nanquantile nanstd nansum
    nanvar normalize_chunks ones ones_like outer pad prod ptp quantile ravel real reduction repeat reshape roll
    rollaxis rot90 sinc squeeze stack std sum swapaxes tensordot tile topk transpose tri var vdot vstack zeros
    zeros_like
    """,
)
# numpy's universal functions.
_UFUNCS = _of(
    _ARRAY,
    "abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_count bitwise_not"
    " bitwise_or bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2"
    " expm1 fabs float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot invert"
    " isfinite isinf isnan lcm ldexp left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and"
    " logical_not logical_or logical_xor maximum minimum mod modf multiply negative nextafter not_equal positive power"
    " rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh spacing sqrt square subtract tan tanh"
    " true_divide trunc",
)

ROWS: dict[str, Row] = {
    "dask.array": Face(
        {
            **_PUBLIC,
            **_UFUNCS,
            "_array_expr_enabled": f"{_PRIVATE}:array_expr_enabled",
            "assert_eq": f"{_ARRAY}.testing:assert_eq",
            "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks",
        },
        submodules=("core", "numpy_compat", "ufunc", "utils"),
    ),
    "dask.array.core": Face(
        {**_of(_ARRAY, "Array from_array"), "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks"}
    ),
    "dask.array.numpy_compat": Same("plait.compat.dask_private.numpy_compat"),
    "dask.array.ufunc": Face(
        {**_UFUNCS, "frompyfunc": f"{_ARRAY}:frompyfunc", "ufunc": f"{_ARRAY}.ufuncs:UniversalFunction"}
    ),
    "dask.array.utils": Face(_of(f"{_ARRAY}.testing", "allclose assert_eq same_keys")),
}
