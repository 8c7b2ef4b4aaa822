"""Layered graphs as HTML, for notebooks: valid XML, no scripts, no styles of its own beyond a border."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any


def of_graph(kind: str, layers: Iterable[str]) -> str:
    """A graph, given the HTML of its layers."""
    parts = list(layers)
    return f"<div><b>{escape(kind)}</b><p>{escape(kind)} with {len(parts)} layers.</p>{''.join(parts)}</div>"


def of_layer(index: Any, name: Any, facts: Mapping[str, Any], reads: Iterable[str]) -> str:
    """A layer: its facts in a table, which opens on a click."""
    known = {**facts, **({"depends on": ", ".join(reads)} if reads else {})}
    rows = "".join(f"<tr><th>{escape(str(key))}</th><td>{escape(str(value))}</td></tr>" for key, value in known.items())
    title = f"Layer{index}: {name}" if name else "Layer"
    return f"<details><summary>{escape(title)}</summary><p>{escape(str(name))}</p><table>{rows}</table></details>"
