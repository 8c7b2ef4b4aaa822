"""The rows of dask.array."""

from plait.compat.rows import Face, Row, Same

_ARRAY = "plait.lazy.array"
_PRIVATE = "plait.compat.dask_private.arrays"
_NONE = "plait.compat.dask_private.none"


def _of(place: str, names: str) -> dict[str, str]:
    """Names that are called as they are there."""
    return {name: f"{place}:{name}" for name in names.split()}


_PUBLIC = _of(
    _ARRAY,
    """
    Array PerformanceWarning all allclose angle any append apply_along_axis apply_gufunc apply_over_axes arange
    argmax argmin argtopk argwhere around array as_gufunc asanyarray asarray atleast_1d atleast_2d atleast_3d
    average bincount block blockwise broadcast_arrays broadcast_to choose clip coarsen compress concatenate
    corrcoef count_nonzero cov cumprod cumreduction cumsum delete diag diagonal diff digitize dot dstack ediff1d
    einsum empty empty_like expand_dims extract eye fix flatnonzero flip fliplr flipud from_array from_delayed
    from_func from_npy_stack from_zarr fromfunction frompyfunc full full_like gradient gufunc histogram
    histogram2d histogramdd hstack i0 imag indices insert isclose iscomplex isin isneginf isnull isposinf isreal
    linspace map_blocks map_overlap matmul max mean median meshgrid min moment moveaxis nan_to_num nanargmax
    nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum
    nanvar ndim nonzero normalize_chunks notnull ones ones_like outer pad percentile piecewise prod ptp quantile
    ravel ravel_multi_index real reduction register_chunk_type repeat reshape result_type roll rollaxis rot90
    round searchsorted select shape shuffle sinc squeeze stack std store sum swapaxes take tensordot tile to_hdf5
    to_npy_stack to_zarr topk trace transpose tri tril tril_indices tril_indices_from triu triu_indices
    triu_indices_from union1d unique unravel_index var vdot vstack where zeros zeros_like
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

_CONSTANTS = (
    "bool complex64 complex128 e euler_gamma float32 float64 inf int8 int16 int32 int64 nan newaxis pi uint8 uint16"
    " uint32 uint64"
)

ROWS: dict[str, Row] = {
    "dask.array": Face(
        {
            **_PUBLIC,
            **_UFUNCS,
            **_of(_PRIVATE, "PerformanceWarning"),
            **_of(_ARRAY, _CONSTANTS),
            **_of("plait.lazy", "compute optimize"),
            "_array_expr_enabled": f"{_PRIVATE}:array_expr_enabled",
            "assert_eq": f"{_ARRAY}.testing:assert_eq",
            "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks",
        },
        submodules=(
            "core",
            "fft",
            "linalg",
            "ma",
            "overlap",
            "numpy_compat",
            "random",
            "rechunk",
            "slicing",
            "stats",
            "reductions",
            "routines",
            "ufunc",
            "utils",
        ),
    ),
    "dask.array.core": Face(
        {
            **_PUBLIC,
            **_of(
                _PRIVATE,
                "PerformanceWarning blockdims_from_blockshape broadcast_chunks broadcast_shapes common_blockdim",
            ),
            **_of(
                _PRIVATE, "concatenate3 concatenate_axes dotmany getter graph_from_arraylike load_store_chunk optimize"
            ),
            "normalize_chunks_cached": f"{_ARRAY}.chunks:normalize_chunks",
            "BlockView": f"{_ARRAY}.attributes:BlockView",
            "concatenate_lookup": f"{_ARRAY}.gathering:concatenate_lookup",
            "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks",
        }
    ),
    "dask.array.chunk": Face({**_of(_PRIVATE, "coarsen getitem keepdims_wrapper")}),
    "dask.array.chunk_types": Same(f"{_ARRAY}.chunk_types"),
    "dask.array.gufunc": Face(
        {
            **_of(f"{_ARRAY}.gufuncs", "apply_gufunc as_gufunc gufunc"),
            "_parse_gufunc_signature": f"{_ARRAY}.gufuncs:parse_signature",
            "_validate_normalize_axes": f"{_ARRAY}.gufuncs:normalize_axes",
        }
    ),
    "dask.array.linalg": Same(f"{_ARRAY}.linalg"),
    "dask.array.reshape": Face(
        {
            **_of(_PRIVATE, "_not_implemented_message reshape_rechunk"),
            **_of(_NONE, "_smooth_chunks contract_tuple expand_tuple reshape_blockwise"),
            "reshape": f"{_ARRAY}:reshape",
        }
    ),
    "dask.array.rechunk": Face(
        {
            **_of(
                _NONE,
                "_breakpoints _intersect_1d cumdims_label divide_to_width intersect_chunks merge_to_number old_to_new"
                " plan_rechunk",
            ),
            "normalize_chunks": f"{_ARRAY}.chunks:normalize_chunks",
            "rechunk": f"{_ARRAY}.shaping:rechunk",
        }
    ),
    "dask.array.slicing": Face(
        {
            **_of(
                _NONE,
                "SlicingNoop _sanitize_index_element _slice_1d make_block_sorted_slices new_blockdim normalize_index"
                " sanitize_index shuffle_slice slice_array",
            ),
            "take": f"{_ARRAY}:take",
        }
    ),
    "dask.array._shuffle": Face({"shuffle": f"{_ARRAY}.shuffling:shuffle", **_of(_NONE, "_rechunk_other_dimensions")}),
    "dask.array.stats": Same(f"{_ARRAY}.stats"),
    "dask.array.wrap": Face(_of(_ARRAY, "empty full ones zeros")),
    "dask.array.fft": Same(f"{_ARRAY}.fft"),
    "dask.array.reductions": Face({**_PUBLIC, **_of(_PRIVATE, "numel nannumel")}),
    "dask.array.routines": Face({**_PUBLIC, "aligned_coarsen_chunks": f"{_ARRAY}.along:aligned_coarsen_chunks"}),
    "dask.array.random": Same(f"{_ARRAY}.random"),
    "dask.array.lib": Face({}, submodules=("stride_tricks",)),
    "dask.array.lib.stride_tricks": Face(_of(f"{_ARRAY}.overlap", "sliding_window_view")),
    "dask.array.overlap": Same(f"{_ARRAY}.overlap"),
    "dask.array.ma": Same(f"{_ARRAY}.ma"),
    "dask.array.numpy_compat": Same("plait.compat.dask_private.numpy_compat"),
    "dask.array.ufunc": Face(
        {
            **_UFUNCS,
            "frompyfunc": f"{_ARRAY}:frompyfunc",
            "da_frompyfunc": f"{_ARRAY}.ufuncs:UniversalFunction",
            "ufunc": f"{_ARRAY}.ufuncs:UniversalFunction",
        }
    ),
    "dask.array.utils": Face(
        {
            **_of(f"{_ARRAY}.testing", "allclose assert_eq same_keys"),
            **_of(f"{_ARRAY}.linalg", "svd_flip"),
            "meta_from_array": f"{_ARRAY}.metas:empty_like",
        }
    ),
}
