"""Arrays of nested lists of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def concatenated(blocks: Any, axes: Sequence[int]) -> Any:
    """One array of nested lists, each level of which is joined along an axis."""
    if not isinstance(blocks, list):
        return blocks
    return np.concatenate([concatenated(each, axes[1:]) for each in blocks], axis=axes[0])
