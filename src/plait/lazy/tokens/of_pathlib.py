"""Paths: by their text."""

from pathlib import PurePath

from plait.lazy.tokens.normal import itself, normalize_token

normalize_token.register(PurePath, itself)
