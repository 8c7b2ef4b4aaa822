"""The rows of dask.core and the other modules of graphs."""

from plait.compat.rows import Face, Row, Same

_GRAPHS = "plait.lazy.graphs"
_NONE = "plait.compat.dask_private.none"
_CORE = "plait.compat.dask_private.core"


def _face(places: dict[str, str]) -> Face:
    """place -> names, in one text each."""
    return Face({name: f"{place}:{name}" for place, names in places.items() for name in names.split()})


ROWS: dict[str, Row] = {
    "dask.core": Face(
        {
            **_face(
                {
                    f"{_GRAPHS}.names": "ishashable iskey validate_key",
                    f"{_GRAPHS}.walks": "flatten get_dependencies get_deps getcycle isdag keys_in_tasks "
                    "preorder_traversal reverse_dict toposort",
                    f"{_GRAPHS}.rewriting": "subs",
                    _CORE: "get lists_to_tuples literal quote reshapelist",
                }
            ).names,
            "istask": "plait.lazy.plain:is_task",
            "no_default": f"{_GRAPHS}.protocols:no_default",
        }
    ),
    "dask.optimization": Face(
        {
            **_face(
                {
                    f"{_GRAPHS}.culling": "cull inline inline_functions",
                    f"{_GRAPHS}.fusing": "fuse fuse_linear",
                    f"{_GRAPHS}.walks": "functions_of unwrap_partial",
                    f"{_GRAPHS}.subgraphs": "SubgraphCallable",
                }
            ).names,
            "default_fused_keys_renamer": f"{_GRAPHS}.fusing:joined_name",
            "default_fused_linear_keys_renamer": f"{_GRAPHS}.fusing:joined_name",
        }
    ),
    "dask.highlevelgraph": _face(
        {
            f"{_GRAPHS}.layered": "HighLevelGraph Layer MaterializedLayer",
            f"{_GRAPHS}.drawing": "to_graphviz",
        }
    ),
    "dask.blockwise": _face(
        {
            f"{_GRAPHS}.blockwise": "BlockIndex Blockwise BlockwiseDep BlockwiseDepDict blockwise blockwise_token",
            _NONE: "_BLOCKWISE_DEFAULT_PREFIX _make_blockwise_graph _unique_dep broadcast_dimensions index_subs"
            " optimize_blockwise rewrite_blockwise",
        }
    ),
    "dask.layers": _face(
        {
            f"{_GRAPHS}.blockwise": "Blockwise",
            f"{_GRAPHS}.chunks": "ArrayBlockIdDep ArrayBlockwiseDep ArrayChunkShapeDep ArraySliceDep ArrayValuesDep",
        }
    ),
    "dask.order": _face(
        {f"{_GRAPHS}.ordering": "OrderInfo diagnostics ndependencies order", _CORE: "_connecting_to_roots"}
    ),
    "dask.rewrite": Same(f"{_GRAPHS}.rewriting"),
    "dask.typing": Same(f"{_GRAPHS}.protocols"),
    "dask.graph_manipulation": Face(
        {
            **_face({f"{_GRAPHS}.holding": "bind checkpoint clone wait_on"}).names,
            "chunks": "plait.compat.dask_private.chunks",
        }
    ),
    "dask._task_spec": Face(
        {
            **_face(
                {
                    "plait.lazy.tasks": "Alias DataNode Dict GraphNode List NestedContainer Set Task TaskRef Tuple",
                    "plait.lazy.converting": "DependenciesMapping convert_legacy_graph convert_legacy_task "
                    "parse_input resolve_aliases",
                    f"{_GRAPHS}.executing": "execute_graph",
                    f"{_GRAPHS}.fusing": "fuse_linear_task_spec",
                }
            ).names,
            "_get_dependencies": "plait.lazy.tasks:needs",
            "_execute_subgraph": "plait.lazy.tasks:run_inner",
            "cull": f"{_CORE}:cull_tasks",
        }
    ),
}
