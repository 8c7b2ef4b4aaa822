"""The names that joblib's file format and digests fix: data, which must stay as they are for files and caches to
survive.

A file of joblib says where each array belongs by an object of a class that it names; a digest is taken over a pickle
in which stand-ins of classes with these names appear. The classes need not exist under these names on this machine.
"""

from __future__ import annotations

HASHING_MODULE = "joblib.hashing"
SORTED_SET = "_ConsistentSet"  # stands for a set: {"_sequence": its elements in order}
BOUND_METHOD = "_MyHash"  # stands for a method: {"args": (name, object, class)}

ARRAY_MODULE = "joblib.numpy_pickle"
ARRAY = "NumpyArrayWrapper"  # the array's bytes follow in the same file; joblib 0.10 and later
FILED_ARRAY = "NDArrayWrapper"  # the array is in a .npy file beside it; joblib 0.9 and before
PACKED_ARRAY = "ZNDArrayWrapper"  # its bytes are in a compressed file beside it; likewise
# Modules under which these classes were pickled: joblib's own, and the copy that scikit-learn carried before 0.23.
ARRAY_MODULES = frozenset({ARRAY_MODULE, "joblib.numpy_pickle_compat", "sklearn.externals.joblib.numpy_pickle"})
