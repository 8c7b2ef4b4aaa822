"""Lending: attributes of the peer's modules that plait's own modules carry while an alias holds.

What is lent is noted here, and taken back when the alias ends. An attribute that plait's module has already is never
replaced, so plait's own callers see no difference.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

_lent: dict[ModuleType, set[str]] = {}


def lend(module: ModuleType, attributes: Mapping[str, object]) -> None:
    """Set those attributes that the module has not."""
    new = {name: value for name, value in attributes.items() if name not in module.__dict__}
    module.__dict__.update(new)
    _lent.setdefault(module, set()).update(new)


def take_back(module: ModuleType) -> None:
    """Remove from the module what it was lent."""
    for name in _lent.pop(module, ()):
        module.__dict__.pop(name, None)
