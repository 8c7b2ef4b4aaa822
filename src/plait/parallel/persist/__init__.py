"""dump and load: any value in one file, its arrays as their bare bytes.

The format is joblib's. A file is a pickle in which, wherever an array belongs, stands a record of its dtype and shape,
and right behind that record, outside of the pickle, the array's bytes, aligned to 16 so that they can be mapped into
memory. Unpickling runs code that the file names: load only files that you trust.

    names          what joblib's files call these records
    writing        dump: the interpreter's own pickler, whose output is cut where an array's bytes belong
    reading        load: the interpreter's own unpickler, led around those bytes
    arrays_numpy   the arrays' bytes themselves; imported when the first is seen
    opening        which file object, compressed or not, a name or a file stands for
    old            files of joblib before 0.10
    compressors    zlib, gzip, bz2, lzma, xz, lz4, and what register_compressor adds
"""

from plait.parallel.persist.compressors import register_compressor as register_compressor
from plait.parallel.persist.reading import NumpyUnpickler as NumpyUnpickler
from plait.parallel.persist.reading import load as load
from plait.parallel.persist.reading import loads as loads
from plait.parallel.persist.writing import NumpyPickler as NumpyPickler
from plait.parallel.persist.writing import dump as dump

__all__ = ["NumpyPickler", "NumpyUnpickler", "dump", "load", "loads", "register_compressor"]
