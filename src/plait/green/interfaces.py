"""Interfaces of zope.interface, made from tables; empty classes where that library is not installed.

It is imported when the first interface is made, since it takes longer than the modules that describe theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["implement", "interface"]


def interface(
    name: str,
    module: str,
    base: Any = None,
    attributes: tuple[str, ...] = (),
    methods: Mapping[str, Callable[..., object]] | None = None,
) -> Any:
    """An interface. methods: name -> a function of the arguments that the method takes beside self."""
    try:
        from zope.interface import Attribute, Interface
        from zope.interface.interface import InterfaceClass, fromFunction
    except ImportError:
        return type(name, (base or object,), {"__module__": module})
    content: dict[str, Any] = {attribute: Attribute(attribute) for attribute in attributes}
    content |= {method: fromFunction(function, name=method) for method, function in (methods or {}).items()}
    return InterfaceClass(name, (base or Interface,), content, __module__=module)


def implement(cls: type, of: Any) -> None:
    """Declare that instances of the class have what the interface asks for."""
    try:
        from zope.interface import classImplements
    except ImportError:
        return
    classImplements(cls, of)
