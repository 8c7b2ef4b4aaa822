"""ReadCSV: blocks of lines of text files, parsed by pandas.

Building reads a sample of the first file: it says the columns and dtypes. Blocks end where a line does; a quoted field
with line ends in it needs blocksize=None. A block in which a column does not fit the sample's dtype is an error that
says file, lines, column and remedy: whole numbers become floats, and anything becomes text, only where dtype= says so,
since partitions that were done before could not be changed any more.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from plait.lazy.bytes.reading import Block, plan
from plait.lazy.dataframe.io.pieces import FromPieces
from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES
from plait.lazy.expressions.wrapping import Wrapped
from plait.lazy.units import parse_bytes

PARSERS: Mapping[str, Callable[..., Any]] = {
    "read_csv": pd.read_csv,
    "read_table": pd.read_table,
    "read_fwf": pd.read_fwf,
}


class CSVError(ValueError):
    """A text file does not have the lines or values that its beginning promised."""


class Text(NamedTuple):
    """A partition's lines: a block of a file, and whether it begins it."""

    block: Block
    first: bool

    @property
    def path(self) -> str:
        """The file's."""
        return str(self.block.file.path)


class ReadCSV(FromPieces):
    """parser: the name of pandas' function; pieces: of Text; header: bytes to put before blocks that do not begin a
    file; like: Wrapped meta of the file's columns; columns: labels to give, a list; keywords: of the parser; enforce:
    check the names of columns; path_column: (label, paths, what is shown of them) or None; stamps: of the files.
    """

    parameters = (
        "parser",
        "pieces",
        "header",
        "like",
        "columns",
        "keywords",
        "enforce",
        "path_column",
        "series",
        "stamps",
    )
    defaults = {"enforce": False, "path_column": None, "series": False, "stamps": ()}
    label = "read-csv"

    @property
    def prefix(self) -> str:
        return str(self.parser).replace("_", "-")

    @cached_property
    def meta(self) -> Any:
        chosen = self.like.held[self.columns]
        return chosen[chosen.columns[0]] if self.series else chosen

    def reader(self) -> Reader:
        return Reader(self)


class Reader:
    """Parses pieces."""

    def __init__(self, expression: ReadCSV) -> None:
        self.__name__ = str(expression.parser)
        self._header = expression.header
        self._like = expression.like.held
        self._columns = expression.columns
        self._keywords = expression.keywords
        self._enforce = expression.enforce
        self._path_column = expression.path_column
        self._series = expression.series

    def __dask_tokenize__(self) -> Any:
        return "Reader", self.__name__, self._header, Wrapped(self._like), self._columns, str(self._keywords)

    def __call__(self, piece: Text) -> Any:
        data = piece.block.read()
        frame = self._parsed(data, piece)
        if self._path_column is not None:
            label, paths, shown = self._path_column
            codes = [paths.index(piece.path)] * len(frame)
            frame = frame.assign(**{label: pd.Categorical.from_codes(codes, list(shown))})
        frame = self._conformed(frame, piece)[self._columns]
        return frame[frame.columns[0]] if self._series else frame

    def _parsed(self, data: bytes, piece: Text) -> Any:
        added = b"" if piece.first or not self._header or data.startswith(self._header) else self._header
        keywords = dict(self._keywords)
        if not piece.first:
            keywords.pop("skiprows", None)
        try:
            return PARSERS[self.__name__](io.BytesIO(added + data), **keywords)
        except pd.errors.EmptyDataError:
            return self._like.iloc[:0]
        except (pd.errors.ParserError, ValueError) as error:
            line = re.search(r"\bline (\d+)", str(error))
            extra = added.count(b"\n")
            where = f"line {_lines_before(piece.block) + int(line[1]) - extra}" if line else _span(piece.block, data)
            remedy = "mend the line, or pass on_bad_lines='skip'" if line else "pass dtype= or converters= that fit"
            column = self._misfit(added + data, keywords) if line is None else ""
            message = f"{piece.path}, {where}{column}: {error}; {remedy}"
            raise (pd.errors.ParserError if line else CSVError)(message) from error

    def _misfit(self, data: bytes, keywords: Mapping[str, Any]) -> str:
        """The column whose values a dtype does not take."""
        dtypes: Any = keywords.get("dtype")
        for label, dtype in dtypes.items() if isinstance(dtypes, dict) else ():
            others = {key: value for key, value in dtypes.items() if key == label}
            try:
                PARSERS[self.__name__](io.BytesIO(data), **{**keywords, "dtype": others})
            except ValueError:
                return f", column {label!r} ({dtype})"
        return ""

    def _conformed(self, frame: Any, piece: Text) -> Any:
        """A frame with the meta's columns and dtypes. Raises CSVError, saying where and what to pass."""
        like = self._like
        if list(frame.columns) != list(like.columns):
            if self._enforce or len(frame.columns) != len(like.columns):
                raise CSVError(
                    f"{piece.path}: Columns do not match: {list(frame.columns)}, and in the first file "
                    f"{list(like.columns)}; pass names= for all files, or write them alike"
                )
            frame = frame.set_axis(like.columns, axis=1)
        misfits = []
        changes = {}
        for label, wanted in like.dtypes.items():
            have = frame.dtypes[label]
            if have == wanted or _is_category(wanted, have):
                continue
            if _fits(frame[label], have, wanted):
                changes[label] = wanted
            else:
                misfits.append((label, have, wanted))
        if misfits:
            raise CSVError(_drift(piece, misfits))
        return frame.astype(changes) if changes else frame


def _is_category(wanted: Any, have: Any) -> bool:
    known = isinstance(wanted, pd.CategoricalDtype) and isinstance(have, pd.CategoricalDtype)
    return known and list(wanted.categories) == [UNKNOWN_CATEGORIES]


def _fits(values: Any, have: Any, wanted: Any) -> bool:
    """Whether values may be converted without losing anything."""
    if not len(values) or (isinstance(wanted, pd.CategoricalDtype)):
        return True
    if pd.api.types.is_float_dtype(wanted):
        return bool(pd.api.types.is_numeric_dtype(have))
    if pd.api.types.is_string_dtype(wanted):
        return bool(values.isna().all())
    both = pd.api.types.is_integer_dtype(have) and pd.api.types.is_integer_dtype(wanted)
    both = both or (pd.api.types.is_datetime64_any_dtype(have) and pd.api.types.is_datetime64_any_dtype(wanted))
    return both or bool(pd.api.types.is_object_dtype(wanted))


def _drift(piece: Text, misfits: Sequence[tuple[Any, Any, Any]]) -> str:
    """What to say of columns that came out in another dtype than the sample's."""
    table = "\n".join([f"| {label} | {have} | {wanted} |" for label, have, wanted in misfits])
    names = {label: "object" if pd.api.types.is_string_dtype(have) else str(have) for label, have, _ in misfits}
    lines = ",\n       ".join([f"{label!r}: {dtype!r}" for label, dtype in names.items()])
    text = (
        f"Mismatched dtypes found in `pd.read_csv`/`pd.read_table`, in {piece.path}, {_span(piece.block)}.\n\n"
        f"| Column | Found | Expected |\n{table}\n\n"
        f"Usually this is due to a sample that was too short; specify dtypes manually by adding:\n\n"
        f"dtype={{{lines}}}\n\nto the call to `read_csv`/`read_table`."
    )
    if any(str(wanted).startswith("int") and str(have).startswith("float") for _, have, wanted in misfits):
        text += "\n\nAlternatively, provide `assume_missing=True` to interpret all whole numbers as floats."
    return text


def _lines_before(block: Block) -> int:
    """How many lines a file has before a block."""
    if not block.offset:
        return 0
    return Block(block.file, 0, block.offset, block.delimiter).read().count(b"\n")


def _span(block: Block, data: bytes | None = None) -> str:
    before = _lines_before(block)
    count = (block.read() if data is None else data).count(b"\n")
    return f"lines {before + 1} to {before + max(count, 1)}"


# Building ---------------------------------------------------------------------------------------------------------


def text_of(
    parser: str,
    urlpath: Any,
    blocksize: Any = "default",
    lineterminator: str | None = None,
    compression: Any = "infer",
    sample: Any = 256000,
    enforce: bool = False,
    assume_missing: bool = False,
    storage_options: Any = None,
    include_path_column: Any = False,
    **keywords: Any,
) -> ReadCSV:
    """The expression of read_csv(), read_table() and read_fwf()."""
    _check_keywords(parser, keywords)
    compression = _compression(urlpath, compression)
    if blocksize == "default":
        blocksize = "64 MiB"
    if isinstance(blocksize, str):
        blocksize = parse_bytes(blocksize)
    if blocksize and compression:
        import warnings

        warnings.warn(
            f"Warning {compression} compression does not support breaking apart files; each is one partition. "
            "Please pass blocksize=None",
            stacklevel=3,
        )
        blocksize = None
    end = (lineterminator or "\n").encode()
    planned = plan(urlpath, end, blocksize, compression, False, storage_options)
    if lineterminator is not None and len(lineterminator) == 1:
        keywords["lineterminator"] = lineterminator
    size = parse_bytes(sample) if isinstance(sample, str) else sample
    head, whole = _sample(planned, size, end)
    meta, header = _inferred(parser, head, whole, end, assume_missing, keywords)
    pieces = tuple([Text(block, i == 0) for blocks in planned.files for i, block in enumerate(blocks)])
    path_column = None
    converters = keywords.get("converters") or {}
    if include_path_column:
        label = "path" if include_path_column is True else include_path_column
        if label in meta.columns:
            raise ValueError(
                f"Files already contain the column name: {label}, so the path column cannot use this name; "
                "pass another as include_path_column="
            )
        shown = tuple(map(converters.get(label, str), planned.paths))
        path_column = (label, tuple(planned.paths), shown)
        meta = meta.assign(**{label: pd.Categorical([], categories=list(shown))})
    if not pieces:
        pieces = (Text(Block(planned.first, 0, None, end), True),)
    return ReadCSV(
        parser,
        pieces,
        header,
        Wrapped(meta),
        list(meta.columns),
        keywords,
        enforce,
        path_column,
        False,
        tuple(planned.tokens),
    )


def _check_keywords(parser: str, keywords: Mapping[str, Any]) -> None:
    for word in ("index", "index_col"):
        if keywords.get(word):
            raise ValueError(
                f"Keywords 'index' and 'index_col' not supported, except for 'index_col=False'. "
                f"Use {parser}(...).set_index('my-index') instead"
            )
    for word in ("iterator", "chunksize"):
        if keywords.get(word):
            raise ValueError(f"{word} not supported for {parser}(); partitions are what it would give")
    if keywords.get("nrows"):
        raise ValueError(f"The 'nrows' keyword is not supported by {parser}(); use {parser}(...).head(n)")


def _compression(urlpath: Any, compression: Any) -> Any:
    if compression != "infer":
        return compression
    from plait.lazy.bytes.opening import fsspec

    first = urlpath[0] if isinstance(urlpath, (list, tuple)) and urlpath else urlpath
    return fsspec().utils.infer_compression(str(first))


def _sample(planned: Any, size: Any, end: bytes) -> tuple[bytes, bool]:
    """The beginning of the first file, whole lines of it, and whether that is all."""
    from copy import copy

    with copy(planned.first) as opened:
        data = opened.read(size) if size else opened.read()
        more = opened.read(1) if size else b""
        if not more:
            return data, True
        data += more
        while (place := data.rfind(end)) < 0:
            more = opened.read(size)
            if not more:
                return data, True
            data += more
    return data[: place + len(end)], False


def _inferred(
    parser: str, head: bytes, whole: bool, end: bytes, assume_missing: bool, keywords: dict[str, Any]
) -> tuple[Any, bytes]:
    """The meta, and the bytes that begin files and are put before other blocks; dtypes go into keywords."""
    skip = keywords.get("skiprows") or 0
    first = skip if isinstance(skip, int) else len([i for i in range(max(skip) + 1) if i in set(skip)]) if skip else 0
    header_row = keywords.get("header", "infer" if keywords.get("names") is None else None)
    options = {**keywords, "skipfooter": keywords.get("skipfooter", 0) if whole else 0}
    try:
        frame = PARSERS[parser](io.BytesIO(head), **options)
    except pd.errors.ParserError as error:
        if "EOF" in str(error):
            raise ValueError(
                f"EOF encountered while reading header: {error}; pass a larger sample=, so that it holds whole lines"
            ) from error
        raise
    lines = head.split(end)
    header = b""
    if header_row is not None:
        count = 1 if header_row == "infer" else (max(header_row) if isinstance(header_row, list) else header_row) + 1
        kept = [line for line in lines[first:] if line.strip() and not _comment(line, keywords)]
        header = end.join(kept[:count]) + end
        if not whole and len(kept) <= count:
            raise ValueError(
                f"Sample is not large enough to include at least one row of data; pass a larger sample= than "
                f"{len(head)} bytes"
            )
    return _typed(frame, assume_missing, keywords), header


def _comment(line: bytes, keywords: Mapping[str, Any]) -> bool:
    sign: Any = keywords.get("comment")
    return bool(sign) and line.startswith(sign.encode())


def _typed(frame: Any, assume_missing: bool, keywords: dict[str, Any]) -> Any:
    """The meta, with dtypes as asked."""
    asked = keywords.get("dtype")
    given = set(asked) if isinstance(asked, dict) else set(frame.columns) if asked is not None else set()
    changes: dict[Any, Any] = {}
    for label, dtype in frame.dtypes.items():
        if assume_missing and label not in given and pd.api.types.is_integer_dtype(dtype):
            changes[label] = float
        elif isinstance(dtype, pd.CategoricalDtype) and not _names_categories(asked, label):
            changes[label] = pd.CategoricalDtype([UNKNOWN_CATEGORIES])
    meta = frame.iloc[:0]
    for label, dtype in changes.items():
        meta = meta.assign(**{label: meta[label].astype(object).astype(dtype)})
    if assume_missing and any(value is float for value in changes.values()):
        floats = {label: value for label, value in changes.items() if value is float}
        keywords["dtype"] = {**(asked if isinstance(asked, dict) else {}), **floats}
    return meta


def _names_categories(asked: Any, label: Any) -> bool:
    dtype = asked.get(label) if isinstance(asked, dict) else asked
    return isinstance(dtype, pd.CategoricalDtype) and dtype.categories is not None
