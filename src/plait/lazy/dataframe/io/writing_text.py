"""Dataframes written as text, CSV or JSON: a file a partition, or one for all, whose partitions wait for one another.

A file is written under another name and renamed when it is whole, unless it is added to (mode "a").
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from functools import cached_property
from typing import Any

import pandas as pd

from plait.lazy import blocks
from plait.lazy._native.nodes import make
from plait.lazy.blocks import Blocks, Layer, PerBlock
from plait.lazy.bytes.opening import open_files, writing
from plait.lazy.dataframe.expression import AXIS, FrameExpression, unknown
from plait.lazy.dataframe.io.pieces import Piecewise
from plait.lazy.expressions.wrapping import Wrapped


class ToText(FrameExpression):
    """Writes each partition to a file; its value is the path. files: Wrapped fsspec's open files; keywords: of pandas'
    method, of the first partition and of others.
    """

    parameters = ("frame", "method", "files", "keywords", "single")
    label = "to-text"

    @property
    def prefix(self) -> str:
        return str(self.method).replace("_", "-")

    @cached_property
    def meta(self) -> Any:
        return pd.Series([], dtype="str")

    @cached_property
    def divisions(self) -> tuple[Any, ...]:
        return unknown(self.frame.npartitions)

    def layer(self, *inputs: Layer) -> Layer:
        files, count = self.files.held, self.npartitions
        if self.single:
            return blocks.made(_chain, inputs, self.numblocks, self.name, self.method, files[0], self.keywords)
        keywords = [self.keywords[0], *[self.keywords[1]] * (count - 1)]
        pieces = PerBlock(Piecewise([Wrapped(pair) for pair in zip(files, keywords, strict=True)]))
        return blocks.blockwise(_write, AXIS, (inputs[0], AXIS), (pieces, AXIS), (self.method, None), name=self.name)


def _write(frame: Any, piece: Wrapped, method: str) -> Any:
    """Write a partition to its file."""
    file, keywords = piece.held
    if "a" in file.mode:
        with writing(file.path), file as opened:
            getattr(frame, method)(opened, **keywords)
        return pd.Series([file.path])
    if "x" in file.mode and file.fs.exists(file.path):
        raise FileExistsError(f"{file.path} is there already, and mode={file.mode!r} does not replace it")
    other = _beside(file)
    try:
        with writing(file.path):
            with other as opened:
                getattr(frame, method)(opened, **keywords)
            file.fs.mv(other.path, file.path)
    except BaseException:  # also a cancellation
        _remove(file.fs, other.path)
        raise
    return pd.Series([file.path])


def _beside(file: Any) -> Any:
    """An open file of the same kind under a hidden name."""
    import uuid

    folder, slash, name = file.path.rpartition("/")
    other = copy(file)
    other.path = f"{folder}{slash}.{name}.{uuid.uuid4().hex}"
    other.mode = file.mode.replace("x", "w")
    return other


def _remove(fs: Any, path: str) -> None:
    with suppress(Exception):
        fs.rm(path)


def _chain(keys: Sequence[Any], frame: Blocks, method: str, file: Any, keywords: Any) -> list[Any]:
    """Nodes that write to one file, each after the one before."""
    adding = "a" in file.mode
    target = file if adding else _beside(file)
    nodes: list[Any] = []
    for i, (key, part) in enumerate(zip(keys, frame.nodes, strict=True)):
        before = nodes[-1] if nodes else None
        last = i == len(keys) - 1 and not adding
        values = (part, before, Wrapped((file, target, last)), method, keywords[min(i, 1)], i > 0)
        nodes.append(make(_add, values, None, None, None, key))
    return nodes


def _add(frame: Any, before: Any, files: Wrapped, method: str, keywords: Mapping[str, Any], later: bool) -> Any:
    """Add a partition to a file; the last one gives it its name."""
    file, target, last = files.held
    target = copy(target)
    target.mode = target.mode.replace("w", "a").replace("x", "a") if later else target.mode
    if "x" in file.mode and not later and file.fs.exists(file.path):
        raise FileExistsError(f"{file.path} is there already, and mode={file.mode!r} does not replace it")
    try:
        with writing(file.path):
            with target as opened:
                getattr(frame, method)(opened, **keywords)
            if last:
                file.fs.mv(target.path, file.path)
    except BaseException:
        if target.path != file.path:
            _remove(file.fs, target.path)
        raise
    return pd.Series([file.path])


def _stored(df: Any, method: str, files: list[Any], keywords: Any, single: bool, compute: bool, options: Any) -> Any:
    if not single and len(files) != df.npartitions:
        raise ValueError(f"{len(files)} paths for {df.npartitions} partitions; pass one for each, or one with *")
    expression = ToText(df.expr, method, Wrapped(files), keywords, single)
    written = df._new(expression)
    if not compute:
        delayed = written.to_delayed()
        return delayed[-1:] if single else delayed
    written.compute(**options)
    return [file.path for file in files]


def to_csv(
    df: Any,
    filename: Any,
    single_file: bool = False,
    encoding: str = "utf-8",
    mode: str = "wt",
    name_function: Callable[[int], str] | None = None,
    compression: str | None = None,
    compute: bool = True,
    scheduler: Any = None,
    storage_options: Any = None,
    header_first_partition_only: bool | None = None,
    compute_kwargs: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Write each partition as CSV; the paths, or with compute=False delayed writes.

    filename: with * for the partition's number, a folder, or a list of paths. single_file: one file, its partitions
    written one after the other. header_first_partition_only: by default so in a single file. kwargs: of pandas.
    """
    if header_first_partition_only is None:
        header_first_partition_only = single_file
    elif single_file and not header_first_partition_only:
        raise ValueError("header_first_partition_only cannot be False if single_file is True.")
    mode = mode if "t" in mode or "b" in mode else mode + "t"
    options = {**(compute_kwargs or {}), **({} if scheduler is None else {"scheduler": scheduler})}
    if scheduler is not None:
        message = "The 'scheduler' keyword argument is replaced by compute_kwargs={'scheduler': ...}"
        warnings.warn(message, FutureWarning, stacklevel=2)
    if scheduler is not None and (compute_kwargs or {}).get("scheduler", scheduler) != scheduler:
        raise ValueError(
            f"Differing values for 'scheduler' have been passed in.\n"
            f"scheduler argument: {scheduler}\nvia compute_kwargs: {(compute_kwargs or {}).get('scheduler')}"
        )
    files = open_files(
        [filename] if single_file else filename,
        mode,
        compression,
        encoding,
        newline="",
        name_function=name_function,
        num=1 if single_file else df.npartitions,
        storage_options=storage_options,
    )
    later = {**kwargs, "header": False} if header_first_partition_only else kwargs
    keywords = ({**kwargs}, later)
    return _stored(df, "to_csv", files, keywords, single_file, compute, options)


def to_json(
    df: Any,
    url_path: Any,
    orient: str = "records",
    lines: bool | None = None,
    storage_options: Any = None,
    compute: bool = True,
    encoding: str = "utf-8",
    errors: str = "strict",
    compression: str | None = None,
    compute_kwargs: Mapping[str, Any] | None = None,
    name_function: Callable[[int], str] | None = None,
    **kwargs: Any,
) -> Any:
    """Write each partition as JSON; the paths, or with compute=False delayed writes.

    lines: a row a line, by default so for orient="records". The other parameters are those of to_csv().
    """
    lines = orient == "records" if lines is None else lines
    if orient != "records" and lines:
        raise ValueError(
            f"Line-delimited JSON is only available with orient='records', not {orient!r}; pass lines=False"
        )
    files = open_files(
        url_path,
        "wt",
        compression,
        encoding,
        errors,
        name_function=name_function,
        num=df.npartitions,
        storage_options=storage_options,
    )
    keywords = {**kwargs, "orient": orient, "lines": lines}
    return _stored(df, "to_json", files, (keywords, keywords), False, compute, compute_kwargs or {})
