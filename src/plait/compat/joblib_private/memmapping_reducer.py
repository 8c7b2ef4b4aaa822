"""joblib._memmapping_reducer: its questions about arrays and its reducer of arrays over files.

Large arrays lie in anonymous memory here, so there are no folders of files: `_get_temp_dir` says where joblib would
have them, and nothing is made there.
"""

from __future__ import annotations

import os
import pickle
from typing import Any

from plait.parallel.transport.identity import IdentityMap

SYSTEM_SHARED_MEM_FS = "/dev/shm"
SYSTEM_SHARED_MEM_FS_MIN_SIZE = int(2e9)  # bytes

_WeakArrayKeyMap = IdentityMap


def _get_backing_memmap(array: Any) -> Any:
    """The np.memmap whose memory the array has; None where there is none."""
    from plait.parallel.transport.arrays_numpy import backing_memmap

    return backing_memmap(array)


def has_shareable_memory(array: Any) -> bool:
    """Whether the array's memory is mapped."""
    return _get_backing_memmap(array) is not None


def _strided_from_memmap(
    filename: str,
    dtype: Any,
    mode: str,
    offset: int,
    order: str,
    shape: Any,
    strides: Any,
    total_buffer_len: int | None,
    unlink_on_gc_collect: bool = False,
) -> Any:
    """Part of a file as an array. total_buffer_len: items that it spans, where it is not contiguous."""
    import numpy

    from plait.parallel.transport.arrays_numpy import open_file_array

    extent = 0 if total_buffer_len is None else total_buffer_len * numpy.dtype(dtype).itemsize
    return open_file_array(filename, mode, offset, extent, 0, dtype, shape, strides, order, as_memmap=strides is None)


def _get_temp_dir(pool_folder_name: str, temp_folder: str | None = None) -> tuple[str, bool]:
    """A folder's name, and whether that is in shared memory."""
    chosen = temp_folder or os.environ.get("JOBLIB_TEMP_FOLDER")
    if chosen is None and _room_for_files(SYSTEM_SHARED_MEM_FS) >= SYSTEM_SHARED_MEM_FS_MIN_SIZE:
        return os.path.join(SYSTEM_SHARED_MEM_FS, pool_folder_name), True
    if chosen is None:
        import tempfile

        chosen = tempfile.gettempdir()
    return os.path.join(os.path.abspath(os.path.expanduser(chosen)), pool_folder_name), False


def _room_for_files(folder: str) -> int:
    """Bytes; 0 where nobody can say."""
    try:
        room = os.statvfs(folder)
    except (AttributeError, OSError):
        return 0
    return room.f_bsize * room.f_bavail


class ArrayMemmapForwardReducer:
    """Reduces an array over a file to that file, any other to its values."""

    def __init__(
        self,
        max_nbytes: int | None = None,
        temp_folder_resolver: Any = None,
        mmap_mode: str | None = "c",
        unlink_on_gc_collect: bool = True,
        verbose: int = 0,
        prewarm: bool = True,
    ) -> None:
        pass  # all of them are about files of joblib's own

    def __call__(self, array: Any) -> Any:
        from plait.parallel.transport.arrays_numpy import reduce_by_reference

        return reduce_by_reference(array) or (pickle.loads, (pickle.dumps(array, protocol=5),))
