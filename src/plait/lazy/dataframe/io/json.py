"""Reading JSON: whole files, or blocks of lines of them; pandas parses."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from plait.lazy.bytes.opening import named
from plait.lazy.bytes.reading import Block, plan, sample_of
from plait.lazy.dataframe.io.calls import FromMap
from plait.lazy.dataframe.metas import empty_of, make_meta
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.tokens import tokenize
from plait.lazy.units import parse_bytes

_END = b"\n"


def reading(
    url_path: Any,
    orient: str,
    lines: bool | None,
    storage_options: Any,
    blocksize: Any,
    sample: int,
    encoding: str,
    errors: str,
    compression: Any,
    meta: Any,
    engine: Any,
    include_path_column: Any,
    path_converter: Any,
    keywords: dict[str, Any],
) -> FromMap:
    """The expression of read_json()."""
    lines = orient == "records" if lines is None else lines
    if orient != "records" and lines:
        raise ValueError(
            f"Line-delimited JSON is only available with orient='records', not {orient!r}; pass lines=False"
        )
    if blocksize and (orient != "records" or not lines):
        raise ValueError("JSON file chunking only allowed for JSON-lines input (orient='records', lines=True).")
    parse: Any = engine
    if not callable(engine):
        parse = partial(pd.read_json, engine=engine)
    size = parse_bytes(blocksize) if isinstance(blocksize, str) else blocksize
    planned = plan(url_path, _END if lines else None, size, compression, False, storage_options)
    label = "path" if include_path_column is True else include_path_column or None
    convert = path_converter or str
    paths = tuple([convert(path) for path in planned.paths]) if label else ()
    options = {**keywords, "orient": orient, "lines": lines}
    pieces = [
        (block, convert(path) if label else None)
        for path, file in zip(planned.paths, planned.files, strict=True)
        for block in file
    ]
    read: Callable[..., Any] = partial(_read, parse, encoding, errors, label, paths, options)
    if meta is None or isinstance(meta, str):
        head = sample_of(planned, sample, _END) if size else planned.files[0][0].read()
        like = empty_of(_parsed(head, parse, encoding, errors, label, paths, options, paths[0] if label else None))
    else:
        like = make_meta(meta)
    return FromMap(read, tuple(pieces), (), {}, Wrapped(like), None, False, f"read-json-{tokenize(planned.tokens)}")


def _read(parse: Any, encoding: str, errors: str, label: Any, paths: Any, options: Any, block: Block, path: Any) -> Any:
    with named(str(block.file.path)):
        return _parsed(block.read(), parse, encoding, errors, label, paths, options, path)


def _parsed(
    data: bytes, parse: Any, encoding: str, errors: str, label: Any, paths: Any, options: Any, path: Any
) -> Any:
    frame = parse(io.StringIO(data.decode(encoding, errors)), **options)
    if label:
        if label in frame.columns:
            raise ValueError(
                f"Files already contain the column name: '{label}', so the path column cannot use this name. "
                "Please set `include_path_column` to a unique name."
            )
        values = pd.Categorical([path] * len(frame), categories=sorted(set(paths)))
        frame = frame.assign(**{label: values})
    return frame
