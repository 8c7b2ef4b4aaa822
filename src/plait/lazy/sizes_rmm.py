"""Sizes of rmm's buffers in a GPU's memory."""

from __future__ import annotations

import rmm

from plait.lazy.sizes import sizeof


@sizeof.register(rmm.DeviceBuffer)
def _size(x: rmm.DeviceBuffer) -> int:
    return int(x.nbytes)
