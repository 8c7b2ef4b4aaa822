"""Decimals: by their text."""

from decimal import Decimal

from plait.lazy.tokens.normal import itself, normalize_token

normalize_token.register(Decimal, itself)
