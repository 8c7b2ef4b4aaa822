"""The rows of dask.dataframe."""

from plait.compat.rows import Face, Row, Same

_FRAME = "plait.lazy.dataframe"
_PRIVATE = "plait.compat.dask_private.frames"


def _of(place: str, names: str) -> dict[str, str]:
    """Names that are called as they are there."""
    return {name: f"{place}:{name}" for name in names.split()}


_PUBLIC = _of(
    _FRAME,
    """
    Aggregation
    DataFrame
    Index
    Scalar
    Series
    concat
    from_array
    from_dask_array
    from_delayed
    from_dict
    from_map
    read_json
    to_csv
    to_json
    from_pandas
    get_dummies
    isna
    map_overlap
    map_partitions
    melt
    merge
    merge_asof
    pivot_table
    read_csv
    read_fwf
    read_orc
    read_parquet
    read_table
    repartition
    to_datetime
    to_numeric
    to_orc
    to_parquet
    to_timedelta
    """,
)
_CLASSES = {**_of(_FRAME, "DataFrame Index Scalar Series"), "FrameBase": f"{_FRAME}.frames:Frame"}
_EXPRESSIONS = {
    **_of(f"{_FRAME}.elementwise", "Assign Filter Projection"),
    **_of(_PRIVATE, "Lengths Literal OpAlignPartitions are_co_aligned rewrite_filters"),
    "Blockwise": f"{_FRAME}.expression:Partitionwise",
    "Expr": f"{_FRAME}.expression:FrameExpression",
    "Replace": f"{_FRAME}.elementwise:Method",
    "ToFrame": f"{_FRAME}.elementwise:Method",
}
_GROUPS = {
    **_of(f"{_FRAME}.groupby.collections", "DataFrameGroupBy SeriesGroupBy"),
    "Aggregation": f"{_FRAME}.groupby.aggregation:Aggregation",
}
_IO = _of(
    _FRAME,
    "from_array from_dask_array from_delayed from_map from_pandas read_csv read_fwf read_json read_parquet "
    "read_table to_csv to_json to_parquet",
)
_NEW = {"new_collection": f"{_FRAME}.frames:collection"}
_UTILS = {
    **_of(f"{_FRAME}.checking", "check_matching_columns check_meta"),
    **_of(f"{_FRAME}.testing", "assert_divisions assert_eq assert_eq_dtypes"),
    **_of(f"{_FRAME}.metas", "UNKNOWN_CATEGORIES make_meta meta_nonempty"),
    **_of("plait.lazy.likeness", "is_dataframe_like is_index_like is_series_like"),
    **_of(
        _PRIVATE,
        "assert_max_deps get_string_dtype has_known_categories is_scalar pyarrow_strings_enabled valid_divisions",
    ),
}
_STRINGS = (
    "is_object_string_dataframe is_object_string_dtype is_object_string_index is_object_string_series"
    " is_pyarrow_string_dtype to_pyarrow_string"
)

_ACCESSORS = _of(
    f"{_FRAME}.registering", "register_dataframe_accessor register_index_accessor register_series_accessor"
)

ROWS: dict[str, Row] = {
    "dask._pandas_compat": Same("plait.compat.dask_private.pandas_compat"),
    "dask.dataframe._compat": Same("plait.compat.dask_private.pandas_compat"),
    "dask.dataframe": Face(
        {**_PUBLIC, "assert_eq": f"{_FRAME}.testing:assert_eq", "_dask_expr_enabled": f"{_PRIVATE}:enabled"},
        submodules=(
            "_compat",
            "core",
            "dispatch",
            "extensions",
            "groupby",
            "io",
            "methods",
            "multi",
            "shuffle",
            "utils",
            "dask_expr",
        ),
    ),
    "dask.dataframe._pyarrow": Face(_of(_PRIVATE, _STRINGS)),
    "dask.dataframe.core": Face(
        {
            **_CLASSES,
            "_concat": f"{_FRAME}.joining:concatenated",
            "_map_freq_to_period_start": f"{_FRAME}.repartitioning:start_of_period",
            **_of(_PRIVATE, "has_parallel_type total_mem_usage"),
        }
    ),
    "dask.dataframe.dask_expr": Face(
        {
            **_PUBLIC,
            **_CLASSES,
            **_NEW,
            "Len": f"{_FRAME}.totals:Length",
            "Merge": f"{_FRAME}.merging:Merge",
            "Repartition": f"{_FRAME}.repartitioning:RepartitionDivisions",
            "optimize": "plait.lazy:optimize",
        },
        submodules=("_collection", "_expr", "expr", "io"),
    ),
    "dask.dataframe.dask_expr._categorical": Face(_of(_PRIVATE, "GetCategories")),
    "dask.dataframe.dask_expr._collection": Face({**_PUBLIC, **_CLASSES, **_NEW}),
    "dask.dataframe.dask_expr._expr": Face(_EXPRESSIONS),
    "dask.dataframe.dask_expr._groupby": Face(
        {**_GROUPS, **_of(_PRIVATE, "GroupByUDFBlockwise"), "GroupBy": f"{_FRAME}.groupby.collections:GroupBy"}
    ),
    "dask.dataframe.dask_expr._merge": Face(_of(_PRIVATE, "BroadcastJoin")),
    "dask.dataframe.dask_expr._reductions": Face(
        {
            "Len": f"{_FRAME}.totals:Length",
            "NFirst": f"{_FRAME}.leading:FirstRows",
            "NLast": f"{_FRAME}.leading:LastRows",
            "TreeReduce": f"{_FRAME}.reducing:Reduction",
        }
    ),
    "dask.dataframe.dask_expr._repartition": Face(
        _of(f"{_FRAME}.repartitioning", "RepartitionDivisions RepartitionToFewer")
    ),
    "dask.dataframe.dask_expr._shuffle": Face(
        {"Shuffle": f"{_FRAME}.shuffling:Shuffle"}
        | _of(_PRIVATE, "BaseSetIndexSortValues DiskShuffle P2PShuffle TaskShuffle divisions_lru")
    ),
    "dask.dataframe.dask_expr.datasets": Face(
        {"Timeseries": f"{_FRAME}.timeseries:Timeseries", "timeseries": f"{_FRAME}.datasets:timeseries"}
    ),
    "dask.dataframe.dask_expr.expr": Face(_EXPRESSIONS),
    "dask.dataframe.dask_expr.io": Face(
        {
            "FromPandas": f"{_FRAME}.sources:FromPandas",
            "ReadParquet": f"{_FRAME}.io.parquet:ReadParquet",
            **_of(_PRIVATE, "FromArray FromMap FusedParquetIO"),
        },
        submodules=("parquet",),
    ),
    "dask.dataframe.dask_expr.io.parquet": Face(
        {
            "ReadParquet": f"{_FRAME}.io.parquet:ReadParquet",
            **_of(_PRIVATE, "_aggregate_statistics_to_file _combine_stats _extract_stats"),
        }
    ),
    "dask.dataframe.extensions": Face(_ACCESSORS),
    "dask.dataframe.accessor": Face(_ACCESSORS),
    "dask.dataframe.indexing": Face(_of(_PRIVATE, "_coerce_loc_index")),
    "dask.dataframe.dispatch": Face(_of(f"{_FRAME}.metas", "make_meta meta_nonempty")),
    "dask.dataframe.backends": Face(_of(_PRIVATE, "grouper_dispatch")),
    "dask.dataframe.groupby": Face({**_GROUPS, **_of(_PRIVATE, "NUMERIC_ONLY_NOT_IMPLEMENTED")}),
    "dask.dataframe.io": Face(_IO, submodules=("csv", "io", "parquet")),
    "dask.dataframe.io.csv": Face(
        {
            **_of(f"{_FRAME}.reading", "read_csv read_fwf read_table"),
            **_of(_PRIVATE, "_infer_block_size auto_blocksize block_mask pandas_read_text text_blocks_to_pandas"),
        }
    ),
    "dask.dataframe.io.io": Face({**_IO, **_of(_PRIVATE, "_meta_from_array sorted_division_locations")}),
    "dask.dataframe.io.parquet": Face(_of(_FRAME, "read_parquet to_parquet"), submodules=("core",)),
    "dask.dataframe.io.parquet.core": Face({**_of(_FRAME, "read_parquet to_parquet"), **_of(_PRIVATE, "get_engine")}),
    "dask.dataframe.methods": Face({"concat": f"{_FRAME}.stacking:concat", **_of(_PRIVATE, "boundary_slice")}),
    "dask.dataframe.multi": Face({"warn_dtype_mismatch": f"{_FRAME}.merging_methods:warn_of_dtypes"}),
    "dask.dataframe.shuffle": Face(
        {"partitioning_index": f"{_FRAME}.placing:places", **_of(_PRIVATE, "maybe_buffered_partd")}
    ),
    "dask.dataframe.utils": Face(_UTILS),
}
