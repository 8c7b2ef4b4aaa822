"""The first and the last rows in the order of columns: each partition's, then those of all."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, ClassVar

from plait.lazy.dataframe.joining import concatenated
from plait.lazy.dataframe.reducing import Reduction


class FirstRows(Reduction):
    """What frame.sort_values(by, ascending, na_position).head(n) gives."""

    parameters: ClassVar[tuple[str, ...]] = ("frame", "by", "ascending", "na_position", "n", "split_every")
    defaults = {"na_position": "last", "split_every": None}
    label = "first-rows"
    method: ClassVar[str] = "head"

    @cached_property
    def meta(self) -> Any:
        return self.frame.meta

    @property
    def steps(self) -> Any:
        chosen = partial(_chosen, type(self).method, self.n, list(self.by), list(self.ascending), self.na_position)
        of_several = partial(_of_several, chosen)
        return chosen, of_several, of_several


class LastRows(FirstRows):
    """What frame.sort_values(by, ascending, na_position).tail(n) gives."""

    label = "last-rows"
    method = "tail"


def _chosen(method: str, n: int, by: list[Any], ascending: list[bool], na_position: Any, frame: Any) -> Any:
    ordered = frame.sort_values(by, ascending=ascending, na_position=na_position, kind="stable")
    return getattr(ordered, method)(n)


def _of_several(chosen: Any, parts: list[Any]) -> Any:
    return chosen(concatenated(parts))
