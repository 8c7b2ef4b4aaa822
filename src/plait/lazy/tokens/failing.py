"""What becomes of values whose token cannot be the same elsewhere: an error where that was asked for, else a fresh one.

It is asked for by tokenize(..., ensure_deterministic=True), which holds for all that this calls, or by the option
tokenize.ensure-deterministic.
"""

from __future__ import annotations

import os
from contextvars import ContextVar

from plait.lazy import config

ensured: ContextVar[bool | None] = ContextVar("plait.lazy.tokens.ensured")


class TokenizationError(RuntimeError):
    """A token that is the same in every process was asked for, and the value cannot have one."""


def refuse(message: str) -> None:
    """Raise TokenizationError where tokens must be deterministic."""
    asked = ensured.get(None)
    if asked or (asked is None and config.get("tokenize.ensure-deterministic", False)):
        raise TokenizationError(message)


def unlike_any(value: object, why: str) -> str:
    """What stands for a value that is equal to nothing. Raises TokenizationError where that is not allowed."""
    refuse(
        f"{_shown(value)} cannot be deterministically hashed: {why}. Give its class a method __dask_tokenize__ that "
        "returns what makes two of them equal, or register one with normalize_token"
    )
    return os.urandom(16).hex()


def _shown(value: object) -> str:
    try:
        return f"Object {value!r}"
    except Exception:
        return f"An object of type {type(value).__qualname__}"
