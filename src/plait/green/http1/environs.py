"""Environments: dictionaries for WSGI, some of which keep their secrets when they are printed.

PEP 3333 wants exactly a dict, which stays the server's default; these are for servers that log environments, where
cookies and authorization must not show.
"""

from __future__ import annotations

from collections.abc import Container, ItemsView
from typing import Any

__all__ = ["Environ", "SecureEnviron", "WSGISecureEnviron"]

_MASK = "<MASKED>"


class Environ(dict[str, Any]):
    """A dict that copies to its own class and pickles as a dict."""

    __slots__ = ()

    def copy(self) -> Environ:
        return self.__class__(self)

    def iteritems(self) -> ItemsView[str, Any]:
        return self.items()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (dict, (), None, None, iter(self.items()))


class SecureEnviron(Environ):
    """Shows no value when printed, except those of whitelist_keys.

    secure_repr: false prints all. whitelist_keys: may be seen. print_masked_keys: whether the names of the others are
    shown beside them. Each instance may set them; the class has the defaults, `default_` and the name.
    """

    default_secure_repr: bool = True
    default_whitelist_keys: Container[str] = ()
    default_print_masked_keys: bool = True

    __slots__ = ("print_masked_keys", "secure_repr", "whitelist_keys")

    def __getattr__(self, name: str) -> Any:  # of a slot that was not set
        if name in SecureEnviron.__slots__:
            return getattr(type(self), f"default_{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __repr__(self) -> str:
        if not self.secure_repr:
            return super().__repr__()
        visible = self.whitelist_keys
        if not visible:
            return f"<pywsgi.SecureEnviron dict (keys: {len(self)}) at {id(self)}>"
        shown = {
            key: value if key in visible else _MASK
            for key, value in self.items()
            if key in visible or self.print_masked_keys
        }
        hidden = len(self) - len(shown)
        return f"{repr(shown)[:-1]}, (hidden keys: {hidden})}}" if hidden else repr(shown)

    __str__ = __repr__


class WSGISecureEnviron(SecureEnviron):
    """Shows who asked, and hides that there was more."""

    default_whitelist_keys = ("REMOTE_ADDR", "REMOTE_PORT", "HTTP_HOST")
    default_print_masked_keys = False
