"""Names of joblib.func_inspect that plait has no use for."""

from __future__ import annotations

from urllib.parse import quote


def _clean_win_chars(string: str) -> str:
    """The text without characters that a Windows file name cannot have."""
    return "".join(quote(letter) if letter in "<>!:\\" else letter for letter in string)
