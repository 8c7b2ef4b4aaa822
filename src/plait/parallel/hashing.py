"""hash: what a value is known by. The digests are joblib's, so that caches survive."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from types import BuiltinMethodType, MethodType, ModuleType
from typing import Any

from plait.parallel.persist import names

_HASHES = ("md5", "sha1")


class _SortedSet:
    def __init__(self, elements: Any) -> None:
        try:
            self._sequence = sorted(elements)
        except (TypeError, ArithmeticError):
            self._sequence = sorted(hash(element) for element in elements)


class _Method:
    def __init__(self, *args: Any) -> None:
        self.args = args


class Hasher(pickle._Pickler):  # type: ignore[name-defined, misc]
    """A pickler whose stream is the same for equal values."""

    dispatch = pickle._Pickler.dispatch.copy()  # type: ignore[attr-defined]

    def __init__(self, hash_name: str = "md5", coerce_mmap: bool = False) -> None:
        self.stream = io.BytesIO()
        super().__init__(self.stream, protocol=3)
        self.digest = hashlib.new(hash_name, usedforsecurity=False)
        self.coerce_mmap = coerce_mmap
        self.np: Any = sys.modules.get("numpy")

    def save(self, obj: Any) -> None:
        if self.np is not None:
            if isinstance(obj, self.np.ndarray) and not obj.dtype.hasobject:
                obj = self._array(obj)
            elif isinstance(obj, self.np.dtype):
                self.digest.update(b"_HASHED_DTYPE" + pickle.dumps(obj))
                return
        if isinstance(obj, (MethodType, BuiltinMethodType)):
            name = getattr(obj, "__func__", obj).__name__
            owner = obj.__self__
            if isinstance(owner, ModuleType):
                obj = _Method(name, owner.__name__)
            elif owner is None:
                obj = _Method(name, owner)
            else:
                obj = _Method(name, owner, owner.__class__)
        super().save(obj)

    def _array(self, array: Any) -> Any:
        flags = array.flags
        flat = (
            array
            if flags.c_contiguous and array.shape
            else array.T
            if flags.f_contiguous and array.shape
            else array.flatten()
        )
        self.digest.update(memoryview(flat.view(self.np.uint8)))
        kind = self.np.ndarray if self.coerce_mmap and isinstance(array, self.np.memmap) else array.__class__
        return kind, ("HASHED", array.dtype, array.shape, array.strides)

    def memoize(self, obj: Any) -> None:
        if not isinstance(obj, (bytes, str)):
            super().memoize(obj)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        stand_in = {_SortedSet: names.SORTED_SET, _Method: names.BOUND_METHOD}.get(obj)
        if stand_in is None:
            super().save_global(obj, name)
        else:
            self.write(pickle.GLOBAL + f"{names.HASHING_MODULE}\n{stand_in}\n".encode())
            self.memoize(obj)

    dispatch[type] = save_global

    def save_set(self, obj: Any) -> None:
        super().save(_SortedSet(obj))

    dispatch[set] = save_set

    def _batch_setitems(self, items: Any, *rest: Any) -> None:
        try:
            super()._batch_setitems(iter(sorted(items)), *rest)
        except TypeError:
            super()._batch_setitems(iter(sorted((hash(key), value) for key, value in items)), *rest)


def hash(obj: Any, hash_name: str = "md5", coerce_mmap: bool = False) -> str:
    """The digest of a value, arrays included, as hexadecimal text."""
    if hash_name not in _HASHES:
        raise ValueError(f"Valid options for 'hash_name' are {_HASHES}. Got hash_name={hash_name!r} instead.")
    hasher = Hasher(hash_name, coerce_mmap)
    hasher.dump(obj)
    hasher.digest.update(hasher.stream.getvalue())
    return str(hasher.digest.hexdigest())
