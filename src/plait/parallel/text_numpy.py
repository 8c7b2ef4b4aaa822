"""How arrays are shown in messages: six digits, and of long ones only the ends."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np


def abridged() -> AbstractContextManager[Any]:
    """A block in which arrays print in few characters."""
    printing: AbstractContextManager[Any] = np.printoptions(precision=6, threshold=64, edgeitems=1)
    return printing
