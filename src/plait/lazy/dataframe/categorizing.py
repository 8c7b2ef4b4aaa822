"""df.categorize(): columns as categories that are known. It looks at the values, at once."""

from __future__ import annotations

from typing import Any

import pandas as pd

from plait.lazy.computing import compute
from plait.lazy.dataframe.metas import UNKNOWN_CATEGORIES


class Categorizing:
    """A mixin of dataframes."""

    def categorize(self: Any, columns: Any = None, index: Any = None, split_every: Any = None, **kwargs: Any) -> Any:
        """With columns as categories that are known, which computes them.

        columns: labels; those of text, and of unknown categories, if not given. index: whether the index, too; where it
        is text or of unknown categories, if not given, and no columns are.
        """
        meta = self._meta
        if columns is None:
            columns = [label for label in meta.columns if _asks(meta[label].dtype)]
        elif pd.api.types.is_scalar(columns):
            columns = [columns]
        columns = [label for label in columns if not _known(meta[label].dtype)]
        if index is None:
            index = _asks(meta.index.dtype) and not self.known_divisions
        index = index and not _known(meta.index.dtype)
        if not columns and not index:
            return self
        wanted = [self[label].drop_duplicates() for label in columns]
        if index:
            wanted.append(self.index.drop_duplicates())
        found = [_categories(each) for each in compute(*wanted, **kwargs)]
        of_index = found.pop() if index else None
        categories = dict(zip(columns, found, strict=True))
        return self.map_partitions(
            _categorized, categories, of_index, meta=_categorized(meta, categories, of_index), enforce_metadata=False
        )


def _asks(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype):
        return UNKNOWN_CATEGORIES in dtype.categories
    return getattr(dtype, "kind", "") == "O"  # texts, too


def _known(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype) and UNKNOWN_CATEGORIES not in dtype.categories


def _categories(values: Any) -> Any:
    """Sorted, where they can be; those of categories in the order that they have."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.dtype.categories if isinstance(values, pd.Index) else values.cat.categories
    present = pd.Index(values).dropna().unique()
    try:
        return present.sort_values()
    except TypeError:
        return present


def _categorized(part: Any, categories: dict[Any, Any], of_index: Any) -> Any:
    found = part.assign()
    for label, each in categories.items():
        column = found[label]
        if isinstance(column.dtype, pd.CategoricalDtype):
            found[label] = column.cat.set_categories(each)
        else:
            found[label] = pd.Categorical(column, categories=each)
    if of_index is not None:
        found.index = pd.CategoricalIndex(found.index, categories=of_index, name=found.index.name)
    return found
