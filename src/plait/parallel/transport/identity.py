"""Values known by which object they belong to, for objects that cannot be hashed, such as arrays."""

from __future__ import annotations

import pickle
import weakref
from typing import Any, NoReturn


class IdentityMap:
    """object -> value, as long as the object lives, which is held weakly."""

    def __init__(self) -> None:
        self._data: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def set(self, key: Any, value: Any) -> None:
        number = id(key)
        known = self._data.get(number)
        if known is not None and known[0]() is key:
            self._data[number] = known[0], value
            return
        owner = weakref.ref(self)  # not itself, which would then live until a collection

        def forget(reference: weakref.ref[Any]) -> None:
            held = owner()
            known = held._data.get(number) if held is not None else None
            if held is not None and known is not None and known[0] is reference:  # else another object is there now
                del held._data[number]

        self._data[number] = weakref.ref(key, forget), value

    def find(self, key: Any) -> Any:
        """The value; None where there is none."""
        known = self._data.get(id(key))
        return known[1] if known is not None and known[0]() is key else None

    def get(self, key: Any) -> Any:
        """The value. Raises KeyError where there is none."""
        known = self._data.get(id(key))
        if known is None or known[0]() is not key:
            raise KeyError(key)
        return known[1]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise pickle.PicklingError("what is known by identity means nothing in another process; pickle the values")
