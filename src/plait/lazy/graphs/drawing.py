"""Layered graphs as pictures, by graphviz."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.lazy.graphs.layered import HighLevelGraph

_FORMATS = ("png", "pdf", "dot", "svg", "jpeg", "jpg")


def to_graphviz(hlg: HighLevelGraph, rankdir: str = "BT", **attributes: Any) -> Any:
    """A graphviz.Digraph with a box for each layer, an arrow from each to those that read it. Raises ImportError."""
    try:
        import graphviz  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError('drawing graphs needs graphviz; pip install "plait[visualize]"', name="graphviz") from error
    drawn = graphviz.Digraph(graph_attr={"rankdir": rankdir}, node_attr={"shape": "box"}, **attributes)
    for name, layer in hlg.layers.items():
        facts = "\n".join(f"{key}: {value}" for key, value in layer.layer_info_dict.items())
        drawn.node(str(name), label=str(name).partition("-")[0] or str(name), tooltip=f"{name}\n{facts}")
    for name, read in hlg.dependencies.items():
        for each in read:
            drawn.edge(str(each), str(name))
    return drawn


def written(hlg: HighLevelGraph, filename: str, format: str | None, **attributes: Any) -> Any:
    """Draw a graph to a file: its path. The format is that of the name, where it has one, else PNG."""
    stem, end = os.path.splitext(filename)
    if format is None:
        format = end[1:].lower() if end[1:].lower() in _FORMATS else "png"
    if end[1:].lower() != format:
        stem = filename
    return to_graphviz(hlg, **attributes).render(outfile=f"{stem}.{format}", cleanup=True)
