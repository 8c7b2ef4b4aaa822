"""Values as operands that are told apart by their token, taken once, and are not looked into."""

from __future__ import annotations

from typing import Any

from plait.lazy.tokens import tokenize


class Wrapped:
    """A value of a user's."""

    __slots__ = ("_token", "held")

    def __init__(self, held: Any) -> None:
        self.held = held
        self._token: str | None = None

    def __dask_tokenize__(self) -> Any:
        if self._token is None:
            self._token = tokenize(self.held)
        return "Wrapped", self._token

    def __repr__(self) -> str:
        return f"Wrapped({type(self.held).__name__})"
