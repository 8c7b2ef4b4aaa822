"""numba's compiled functions: by what numba makes them from."""

from __future__ import annotations

from typing import Any

from numba.core.serialize import ReduceMixin

from plait.lazy.tokens.normal import normalize_token


@normalize_token.register(ReduceMixin)
def _compiled(value: Any) -> Any:
    return value._reduce_class(), tuple(value._reduce_states().items())
