"""Writing to files and tables, as methods: a mixin."""

from __future__ import annotations

from typing import Any

from plait.lazy.dataframe.io.orc import to_orc
from plait.lazy.dataframe.io.writing_parquet import to_parquet
from plait.lazy.dataframe.io.writing_text import to_csv, to_json


class Storing:
    """What dataframes and series are written to."""

    def to_csv(self: Any, filename: Any, **keywords: Any) -> Any:
        """Write each partition as CSV; see plait.lazy.dataframe.to_csv."""
        return to_csv(self, filename, **keywords)

    def to_json(self: Any, filename: Any, *args: Any, **keywords: Any) -> Any:
        """Write each partition as JSON; see plait.lazy.dataframe.to_json."""
        return to_json(self, filename, *args, **keywords)


class StoringRows(Storing):
    """What dataframes alone are written to."""

    def to_parquet(self: Any, path: Any, **keywords: Any) -> Any:
        """Write each partition as a parquet file; see plait.lazy.dataframe.to_parquet."""
        return to_parquet(self, path, **keywords)

    def to_orc(self: Any, path: Any, *args: Any, **keywords: Any) -> Any:
        """Write each partition as an ORC file; see plait.lazy.dataframe.to_orc."""
        return to_orc(self, path, *args, **keywords)
