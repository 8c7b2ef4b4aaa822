"""dump: the interpreter's own pickler, whose output is cut where an array's bytes belong.

The pickler asks for the persistent id of each object. An array has one, its number in this dump, so a mark appears in
the output where the array belongs; anything else is pickled as ever. The output passes through `Splice`: as long as no
mark is due it goes to the file as it comes, and at a mark the array's record and bytes are put in its place.
Rejected: a pickler in Python, which has the place at hand but costs 20 times as much for what is not an array.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from plait.parallel._native.persist import Arrays, Splice
from plait.parallel.persist import compressors, opening


class NumpyPickler(pickle.Pickler):
    """Pickles to a file, arrays as bare bytes. `dispatch_table` and `reducer_override` serve as in pickle.Pickler.

    A subclass with a persistent_id of its own has its arrays pickled like any object.
    """

    def __init__(self, fp: Any, protocol: int | None = None) -> None:
        self.file_handle = fp
        number = pickle.DEFAULT_PROTOCOL if protocol is None else protocol
        self.proto = pickle.HIGHEST_PROTOCOL if number < 0 else number
        numpy = sys.modules.get("numpy")
        if numpy is None or type(self).persistent_id is not NumpyPickler.persistent_id:
            self._splice = Splice(fp, self.proto)
            super().__init__(self._splice, self.proto)
            return
        from plait.parallel.persist import arrays_numpy

        arrays = Arrays((numpy.ndarray, numpy.matrix, numpy.memmap))
        writer = arrays_numpy.Writer(self.proto)
        self._splice = writer.splice = Splice(fp, self.proto, arrays, writer)
        super().__init__(self._splice, self.proto)
        self.persistent_id = arrays.number  # type: ignore[method-assign]

    def dump(self, obj: Any) -> None:
        """Writes an object to the file. Raises PicklingError where a part of it has no name, as a lambda."""
        try:
            super().dump(obj)
        except AttributeError as error:
            if "local object" not in str(error):
                raise
            raise pickle.PicklingError(f"{error}: define it at the top of a module") from error
        self._splice.flush()


def dump(
    value: Any,
    filename: Any,
    compress: int | bool | str | tuple[str, int | None] = 0,
    protocol: int | None = None,
) -> list[str] | None:
    """Writes a value to a file, by name or as a file object. The list of file names; None for a file object.

    compress: a level from 0, not at all, to 9; True for level 3; a compressor's name, or (name, level). Where it names
    none, the ending of the file name does: .z, .gz, .bz2, .lzma, .xz, .lz4. protocol: pickle's.
    """
    named = isinstance(filename, str)
    if not named and isinstance(filename, os.PathLike):
        filename = os.fspath(filename)
        named = isinstance(filename, str)
    if not named and not hasattr(filename, "write"):
        raise ValueError(
            f"Second argument should be a filename or a file-like object, {filename} (type {type(filename)}) was given."
        )
    method, level = _method_and_level(compress) if compress != 0 else ("zlib", 0)
    if named and not isinstance(compress, (tuple, str)):
        found = compressors.of_extension(filename)
        method = found or method
        if found and level == 0:
            level = None
    if level != 0:
        with opening.compressed_writer(filename, method, level) as file:
            NumpyPickler(file, protocol).dump(value)
    elif named:
        with open(filename, "wb", buffering=0) as file:
            NumpyPickler(file, protocol).dump(value)
    else:
        NumpyPickler(filename, protocol).dump(value)
    return [filename] if named else None


def _method_and_level(compress: Any) -> tuple[str, int | None]:
    """What the argument means: a compressor's name and a level, None for the compressor's own."""
    method, level = "zlib", compress
    if compress is True:
        level = None
    elif isinstance(compress, str):
        method, level = compress, None
    elif isinstance(compress, tuple):
        if len(compress) != 2:
            raise ValueError(
                "Compress argument tuple should contain exactly 2 elements: "
                f"(compress method, compress level), you passed {compress}"
            )
        method, level = compress
    if level is not None and level is not False and level not in range(10):
        raise ValueError(f'Non valid compress level given: "{level}". Possible values are {list(range(10))}.')
    if method not in compressors.COMPRESSORS:
        raise ValueError(
            f'Non valid compression method given: "{method}". Possible values are {sorted(compressors.COMPRESSORS)}.'
        )
    return method, level
