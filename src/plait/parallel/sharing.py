"""share(): arrays that several calls pass to their tasks, copied once."""

from __future__ import annotations

import sys
from typing import Any


def share(array: Any) -> Any:
    """A copy of a numpy array in memory that worker processes map, so that passing it to tasks copies nothing.

        table = share(table)
        for step in range(100):
            Parallel(n_jobs=4)(delayed(fit)(table, step, i) for i in range(4))

    Without it every call copies the large arrays it is given, once, since they may have changed since the last. Views
    of the result (slices, transposes) travel the same way. The memory is anonymous: there is no file, and it is freed
    with the last reference, here and in tasks, or when the processes end.

    It is the same memory everywhere. What is written to the array here, tasks see from then on, those that run as well:
    write between calls, or pass a copy. Tasks get it as a read-only np.memmap, unless the call's `mmap_mode` is "r+"
    (what a task writes, everybody sees) or "c" (what it writes is its own).

    Raises TypeError for anything but an array without Python objects, MemoryError where there is no room. Cost: one
    copy; then a few microseconds a batch of tasks.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(array, numpy.ndarray):
        raise TypeError(f"share() got {type(array).__name__}; pass a numpy array (of a table, its to_numpy())")
    from plait.parallel.transport import shared_numpy

    try:
        return shared_numpy.share(array)
    except OSError as error:
        raise MemoryError(
            f"share() cannot have {array.nbytes:,} bytes of shared memory: {error.strerror}; "
            "pass a smaller array, or a np.memmap of a file, which travels by its name"
        ) from error
