"""Keys of plain graphs: numbers, texts, and tuples of keys."""

from __future__ import annotations

from typing import Any

_SINGLE = (str, bytes, int, float)


def iskey(key: object) -> bool:
    """Whether a value can be a key of a graph: of a builtin type, since keys travel and are compared a lot."""
    kind = type(key)
    if kind is tuple:
        return all(iskey(each) for each in key)  # type: ignore[attr-defined]
    return kind in _SINGLE


def validate_key(key: object) -> None:
    """Raises TypeError for a value that cannot be a key."""
    kind = type(key)
    if kind in _SINGLE:
        return
    if kind is not tuple:
        raise TypeError(
            f"Unexpected key type {kind.__name__} of {key!r}; use a str, bytes, int, float, or a tuple of such"
        )
    for index, each in enumerate(key):  # type: ignore[var-annotated, arg-type]
        try:
            validate_key(each)
        except TypeError as error:
            raise TypeError(f"In {key!r}, unexpected key type at index={index}: {error}") from None


def ishashable(x: Any) -> bool:
    """Whether a value has a hash."""
    try:
        hash(x)
    except TypeError:
        return False
    return True
