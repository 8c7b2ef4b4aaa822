"""The rows of dask.bag and dask.bytes."""

from plait.compat.rows import Face, Row, Same

_BAG = "plait.lazy.bag"
_PRIVATE = "plait.compat.dask_private.bag"
_PUBLIC = (
    "Bag Item compute concat from_delayed from_sequence from_url map map_partitions range read_avro read_text to_avro "
    "to_textfiles zip"
)
_NAMES = {name: f"{_BAG}:{name}" for name in _PUBLIC.split()}
_HELPERS = "collect empty_safe_apply lazify lazify_task partition reduceby reify"

ROWS: dict[str, Row] = {
    "dask.bag": Face({**_NAMES, "assert_eq": f"{_PRIVATE}:assert_eq"}, submodules=("core", "random", "text", "utils")),
    "dask.bag.avro": Face({"read_avro": f"{_BAG}:read_avro", "to_avro": f"{_BAG}:to_avro"}),
    "dask.bag.core": Face(
        {
            **{
                name: f"{_BAG}:{name}"
                for name in ("Bag", "Item", "concat", "from_delayed", "from_sequence", "from_url")
            },
            **{name: f"{_PRIVATE}:{name}" for name in _HELPERS.split()},
            "StringAccessor": f"{_BAG}.strings:StringAccessor",
            "bag_map": f"{_BAG}:map",
            "bag_range": f"{_BAG}:range",
            "bag_zip": f"{_BAG}:zip",
            "finalize": f"{_BAG}.bags:finalize",
            "map_partitions": f"{_BAG}:map_partitions",
            "optimize": f"{_BAG}.layer_graphs:optimized",
            "no_result": f"{_BAG}.reductions:EMPTY",
            "to_textfiles": f"{_BAG}:to_textfiles",
            "total_mem_usage": f"{_BAG}.repartitioning:memory_of",
        }
    ),
    "dask.bag.random": Face(
        {
            "_sample_map_partitions": f"{_BAG}.random:without_replacement",
            "_sample_with_replacement_map_partitions": f"{_BAG}.random:with_replacement",
            "_weighted_sampling_without_replacement": f"{_PRIVATE}:weighted_sampling_without_replacement",
            "choices": f"{_BAG}.random:choices",
            "sample": f"{_BAG}.random:sample",
        }
    ),
    "dask.bag.text": Face({"read_text": f"{_BAG}:read_text"}),
    "dask.bag.utils": Face({"assert_eq": f"{_PRIVATE}:assert_eq"}),
    "dask.bytes": Face({"read_bytes": "plait.lazy.bytes:read_bytes"}),
    "dask.bytes.core": Face({"read_bytes": "plait.lazy.bytes:read_bytes"}),
    "dask.bytes.utils": Same("plait.lazy.bytes.compressing"),
}
