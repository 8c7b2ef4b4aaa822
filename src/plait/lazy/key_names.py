"""What keys say: the name of the operation that a task is part of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from plait.lazy.tokens import tokenize

_TOKEN = re.compile(r"[0-9a-f]{32}")
_SHORT_TOKEN = re.compile(r"[a-f][0-9a-f]{7}")


@lru_cache(100_000)
def key_split(s: Any) -> str:
    """The words at the front of a key: "hello-world" of "hello-world-1" and ("hello-world-1", 0).

    "data" for a bare token, "Other" for what has no name.
    """
    if isinstance(s, bytes):
        return key_split(s.decode())
    if isinstance(s, tuple):
        return key_split(s[0]) if s else "Other"
    if not isinstance(s, str) or not s:
        return "Other"
    first, *words = s.split("-")
    name = _cleaned(first)
    if not name:
        return "Other"
    if _TOKEN.fullmatch(name):
        return "data"
    for word in words:
        if not word.isalpha() or _SHORT_TOKEN.fullmatch(word):
            break
        name += f"-{word}"
    return name


def name_of(key: Any) -> str:
    """The name of the collection that a key is part of: "x-1" of "x-1" and of ("x-1", 0). Raises TypeError."""
    if isinstance(key, tuple) and key and isinstance(key[0], str):
        return key[0]
    if isinstance(key, str):
        return key
    raise TypeError(f"{key!r} is no key; pass a text, or a tuple that begins with one")


def renamed(key: Any, rename: Mapping[str, str]) -> Any:
    """A key with another name, where its own is one of those to be replaced. Raises TypeError."""
    name = name_of(key)
    return (rename.get(name, name), *key[1:]) if isinstance(key, tuple) else rename.get(name, name)


def cloned(key: Any, seed: Any) -> Any:
    """A key of the same words with another token, the same for the same key and seed. Raises TypeError."""
    if isinstance(key, tuple) and key and isinstance(key[0], str):
        return (cloned(key[0], seed), *key[1:])
    if isinstance(key, str):
        return f"{key_split(key)}-{tokenize(key, seed)}"
    raise TypeError(f"{key!r} is no key; pass a text, or a tuple that begins with one")


def _cleaned(word: str) -> str:
    """Without the signs of a tuple or of an object's representation around it."""
    if not word or word[0].isalpha():
        return word
    if word[0] == "<":
        return word.strip("<>").split()[0].rpartition(".")[2]
    return word.partition(",")[0].strip("_'()\"")
