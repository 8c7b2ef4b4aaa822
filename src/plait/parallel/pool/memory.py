"""When a worker process gives memory back, and when it is replaced because it has grown.

After a batch that took a while the worker looks at what it holds alone (shared pages not counted), at most once a
second. More than TRIM_BYTES over the last look's figure: the allocator gives free memory back to the kernel. More than
GROWTH_BYTES over what it held after its first look, garbage collected: it leaves, and the pool starts another when one
is needed. So a model that a function loads on its first call is no growth; what leaks is.

Cost: 3 us a look, none for batches shorter than 10 ms.
"""

from __future__ import annotations

import gc
import os
from time import monotonic

from plait.parallel._native.tasks import trim_memory

GROWTH_BYTES = 400 << 20
TRIM_BYTES = 32 << 20
_EVERY_S = 1.0
_LEAST_S = 0.01  # a batch shorter than this is not worth a look
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """What this process holds, from look to look."""

    def __init__(self) -> None:
        self._first = 0
        self._last = 0
        self._next = 0.0  # monotonic seconds

    def look(self, seconds: float) -> bool:
        """After a batch that took so long: whether the process has grown too large, and should leave."""
        if seconds < _LEAST_S or monotonic() < self._next:
            return False
        self._next = monotonic() + _EVERY_S
        held = own_bytes()
        if held > self._last + TRIM_BYTES:
            trim_memory()
            held = own_bytes()
        self._first = self._first or held
        if held > self._first + GROWTH_BYTES:
            gc.collect()
            trim_memory()
            held = own_bytes()
        self._last = held
        return held > self._first + GROWTH_BYTES


def own_bytes() -> int:
    """Resident memory of this process that it shares with no file or other mapping."""
    with open("/proc/self/statm", "rb", buffering=0) as file:
        fields = file.read(200).split()
    return (int(fields[1]) - int(fields[2])) * _PAGE
