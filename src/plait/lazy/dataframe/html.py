"""How notebooks show a frame: columns, dtypes and divisions, before anything is computed; a mixin."""

from __future__ import annotations

from html import escape
from typing import Any

_MOST = 8  # divisions that are shown


class Showing:
    """A mixin of dataframes and series."""

    def _repr_html_(self: Any) -> str:
        labels = list(self.columns) if self.ndim == 2 else [self.name]
        kinds = [str(each) for each in (self.dtypes if self.ndim == 2 else [self.dtype])]
        bounds = [("" if each is None else str(each)) for each in self.divisions]
        if len(bounds) > _MOST:
            bounds = [*bounds[: _MOST // 2], "...", *bounds[-_MOST // 2 :]]
        head = "".join(f"<th>{escape(str(title))}</th>" for title in ("", *labels))
        rows = _row(f"npartitions={self.npartitions}", kinds)
        rows += "".join(_row(each, ["..."] * len(kinds)) for each in bounds)
        name = escape(self._name.rpartition("-")[0] or self._name)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"{table}<div>{type(self).__name__}: {name}</div>"


def _row(title: str, cells: list[str]) -> str:
    return f"<tr><th>{escape(title)}</th>{''.join(f'<td>{escape(each)}</td>' for each in cells)}</tr>"
