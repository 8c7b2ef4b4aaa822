"""`visualize`: a picture of a graph. Through graphviz where it is installed, else as a plain SVG of our own.

A round shape is a call, a box is a value that is there already; arrows point from inputs to readers, upwards. The plain
SVG puts every node on the level above its highest input, in the order in which the scheduler would run them: good for
some hundred nodes, which is what one can read anyway.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import Any

from plait.lazy import config
from plait.lazy._native.arena import Arena
from plait.lazy._native.nodes import Template
from plait.lazy.keys import identity
from plait.lazy.lowering import lower
from plait.lazy.protocol import outputs_of
from plait.parallel.naming import function_name

_FORMATS = ("png", "pdf", "dot", "svg", "jpeg", "jpg")
_WIDTH, _HEIGHT = 150, 70  # pixels between neighbours of a level, and between levels
_LONGEST = 18  # characters of a label
_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"
 font-family="sans-serif" font-size="11" text-anchor="middle">
<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0L8 4L0 8z"/></marker></defs>"""


def visualize(
    *collections: Any,
    filename: str | None = "mydask",
    format: str | None = None,
    traverse: bool = True,
    optimize_graph: bool = False,
    color: str | None = None,
    engine: str | None = None,
    **attributes: Any,
) -> Any:
    """Draw what some collections need, and write it to `filename` with the format's ending; None: write nothing.

    format: "png" (the default where graphviz is installed), "svg" (the default elsewhere), "pdf", "dot", "jpg"; where
    the filename has one of these endings, that. optimize_graph: as it would run. color: "order" colours nodes by when
    they would. engine: "graphviz" or "plain"; None: what the configuration says, or what is there. attributes: of the
    whole graph, for graphviz, such as rankdir="LR".

    Gives the picture: an IPython Image or SVG where IPython is installed, else the text of an SVG, None for others.
    Raises ValueError for another format or engine, RuntimeError where graphviz is needed and not installed.
    """
    template = Template(collections, traverse)
    with ExitStack() as resources:
        nodes = outputs_of(template.nodes)
        arena = lower(nodes, resources) if optimize_graph else Arena(nodes)
    filename, format = _named(filename, format, engine)
    if format == "svg" and not _by_graphviz(engine):
        text = svg(arena, by_order=color == "order")
        if filename is not None:
            Path(f"{filename}.svg").write_text(text)
        return _shown(text, "svg")
    source = dot(arena, attributes, by_order=color == "order")
    if format == "dot":
        if filename is not None:
            Path(f"{filename}.dot").write_text(source)
        return None
    data = _rendered(source, format)
    if filename is not None:
        Path(f"{filename}.{format}").write_bytes(data)
    return _shown(data.decode() if format == "svg" else data, format)


def _named(filename: str | None, format: str | None, engine: str | None) -> tuple[str | None, str]:
    """The file's name without its ending, and the format."""
    if filename is not None:
        stem, _, ending = str(filename).rpartition(".")
        if stem and ending.lower() in _FORMATS and format in (None, ending.lower()):
            filename, format = stem, ending.lower()
    if format is None:
        format = "png" if _by_graphviz(engine) else "svg"
    if format not in _FORMATS:
        raise ValueError(f"format={format!r} is not known; pass one of {', '.join(map(repr, _FORMATS))}")
    return filename, format


def _by_graphviz(engine: str | None) -> bool:
    engine = engine or config.get("visualization.engine", None)
    if engine not in (None, "graphviz", "plain"):
        raise ValueError(f"engine={engine!r} is not known; pass 'graphviz' or 'plain'")
    return engine == "graphviz" or (engine is None and shutil.which("dot") is not None)


def _rendered(source: str, format: str) -> bytes:
    """The picture that graphviz's program makes."""
    import subprocess

    if shutil.which("dot") is None:
        raise RuntimeError(
            f"a picture as {format!r} needs the program `dot` of graphviz; install graphviz, or pass format='svg'"
        )
    done = subprocess.run(["dot", f"-T{format}"], input=source.encode(), capture_output=True, check=True)
    return done.stdout


def _shown(picture: Any, format: str) -> Any:
    """The picture as a notebook shows it, where there is one."""
    try:
        from IPython.display import SVG, Image  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return picture if format == "svg" else None
    if format == "svg":
        return SVG(picture)
    return Image(picture) if format in ("png", "jpeg", "jpg") else None


def dot(arena: Arena, attributes: dict[str, Any], by_order: bool = False) -> str:
    """The graph in graphviz's language."""
    settings = {"rankdir": "BT", **{name: str(value) for name, value in attributes.items()}}
    lines = ["digraph {", *(f"  {name}={_quoted(value)}" for name, value in settings.items())]
    for number in range(len(arena)):
        shape = "box" if _is_value(arena, number) else "circle"
        tint = f' style=filled fillcolor="{_tint(number, len(arena))}"' if by_order else ""
        key = str(arena.nodes[number].key)
        lines.append(f"  {number} [label={_quoted(label(arena, number))} tooltip={_quoted(key)} shape={shape}{tint}]")
    for number in range(len(arena)):
        lines += [f"  {each} -> {number}" for each in dict.fromkeys(arena.inputs(number))]
    return "\n".join([*lines, "}\n"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def label(arena: Arena, number: int) -> str:
    """What a node is called in the picture: its function, or the value that it has."""
    node = arena.nodes[number]
    text = repr(node._args[0]) if _is_value(arena, number) else function_name(node._function)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _is_value(arena: Arena, number: int) -> bool:
    return arena.nodes[number]._function is identity and not arena.inputs(number)


def _tint(number: int, count: int) -> str:
    """From yellow for the first to red for the last."""
    return f"#ff{230 - 170 * number // max(count - 1, 1):02x}60"


def svg(arena: Arena, by_order: bool = False) -> str:
    """The graph as an SVG."""
    levels: dict[int, list[int]] = defaultdict(list)
    level: list[int] = []
    for number in range(len(arena)):
        level.append(1 + max((level[each] for each in arena.inputs(number)), default=-1))
        levels[level[number]].append(number)
    widest = max(map(len, levels.values()), default=1)
    width, height = widest * _WIDTH, max(len(levels), 1) * _HEIGHT
    place: dict[int, tuple[float, float]] = {}
    for depth, numbers in levels.items():
        for column, number in enumerate(numbers):
            place[number] = (width * (column + 0.5) / len(numbers), height - (depth + 0.5) * _HEIGHT)
    lines = [_HEAD.format(width=width, height=height)]
    for number in range(len(arena)):
        x, y = place[number]
        for each in dict.fromkeys(arena.inputs(number)):
            left, below = place[each]
            lines.append(
                f'<path d="M{left:.0f} {below - 15:.0f}L{x:.0f} {y + 16:.0f}" stroke="black" marker-end="url(#to)"/>'
            )
    for number in range(len(arena)):
        x, y = place[number]
        fill = _tint(number, len(arena)) if by_order else "white"
        round_ = 0 if _is_value(arena, number) else 14
        lines.append(
            f"<g><title>{escape(str(arena.nodes[number].key))}</title>"
            f'<rect x="{x - 65:.0f}" y="{y - 14:.0f}" width="130" height="28" rx="{round_}" fill="{fill}" '
            'stroke="black"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(label(arena, number))}</text></g>'
        )
    return "\n".join([*lines, "</svg>\n"])
