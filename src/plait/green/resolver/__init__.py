"""Resolvers: host names to addresses and back, while other greenlets run.

A resolver is `hub.resolver`, of the class that `config.resolver` names, and has the five functions that block in the
standard library's socket module: getaddrinfo, gethostbyname, gethostbyname_ex, gethostbyaddr, getnameinfo.

    thread     the system's own functions in a few threads; what needs no network is answered at once (the default)
    block      the system's own functions, where they are called
    dnspython  questions to name servers over green sockets, put together and read by that library

`plait.green.lookups` has the functions over them that `plait.green.socket` offers.
"""

__all__ = ["AbstractResolver"]  # imported when it is asked for


def __getattr__(name: str) -> object:
    if name != "AbstractResolver":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("plait.green.resolver.base").AbstractResolver
