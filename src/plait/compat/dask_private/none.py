"""Functions of dask's inside that programs import and that have no counterpart: each says so when it is called."""

from __future__ import annotations

from typing import Any

_NAMES = (
    "_breakpoints _intersect_1d _make_blockwise_graph _sanitize_index_element _slice_1d _unique_dep"
    " broadcast_dimensions cumdims_label divide_to_width index_subs intersect_chunks make_block_sorted_slices"
    " merge_to_number new_blockdim normalize_index old_to_new optimize_blockwise plan_rechunk reshape_blockwise"
    " rewrite_blockwise sanitize_index shuffle_slice slice_array _rechunk_other_dimensions _smooth_chunks"
    " contract_tuple expand_tuple"
)
_BLOCKWISE_DEFAULT_PREFIX = "__dask_blockwise__"


class SlicingNoop(Exception):
    """Nothing is cut off. Nothing raises it."""


def _refusing(name: str) -> Any:
    def function(*args: Any, **options: Any) -> Any:
        raise NotImplementedError(f"dask's private {name}() has no counterpart in plait")

    function.__name__ = name
    return function


for _name in _NAMES.split():
    globals()[_name] = _refusing(_name)
