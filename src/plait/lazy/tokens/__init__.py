"""Tokens: 32 hexadecimal digits that are equal for equal values, in every process and session.

normal      tokenize; normalize_token: what a value is made of, by type
walk        shared parts, cycles
objects     what has no handler: by its pickled parts
code        functions, methods, classes, modules
failing     what to do with a value that has no such token
digests     hashes of buffers
of_*        the types of other packages, loaded when one is seen
"""

from plait.lazy.tokens.failing import TokenizationError as TokenizationError
from plait.lazy.tokens.normal import normalize_token as normalize_token
from plait.lazy.tokens.normal import tokenize as tokenize

__all__ = ["TokenizationError", "normalize_token", "tokenize"]
