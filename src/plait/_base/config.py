"""PLAIT_* environment variables, read in one place.

A variable is read when it is asked for, never at import: a test or a parent process may set it late. Unset and empty
both mean the default. A value that breaks its rule raises ConfigError, which names variable, value, rule and remedy.
"""

import os

from plait._base.errors import ConfigError


def integer(name: str, default: int, least: int = 0) -> int:
    """The variable as a whole number that is at least `least`, or `default` where it is unset."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or value < least:
        raise ConfigError(
            f"{name}={text!r} is not a whole number of at least {least}; unset it for the default {default}"
        )
    return value


def words(name: str) -> tuple[str, ...]:
    """The variable's comma-separated words, blanks stripped; () where it is unset."""
    return tuple(word.strip() for word in os.environ.get(name, "").split(",") if word.strip())
