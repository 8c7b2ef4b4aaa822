"""Sizes of scipy's sparse arrays and matrices: the arrays that they are made of."""

from __future__ import annotations

from typing import Any

from scipy import sparse

from plait.lazy.sizes import sizeof


@sizeof.register((sparse.spmatrix, sparse.sparray))
def _sparse(x: Any) -> int:
    return sum(map(sizeof, vars(x).values()))
