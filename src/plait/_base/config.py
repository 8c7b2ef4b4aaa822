"""PLAIT_* environment variables, read in one place.

A variable is read when it is asked for, never at import: a test or a parent process may set it late. Unset and empty
both mean the default. The native core reads its own.
"""

import os


def words(name: str) -> tuple[str, ...]:
    """The variable's comma-separated words, blanks stripped; () where it is unset."""
    return tuple(word.strip() for word in os.environ.get(name, "").split(",") if word.strip())
