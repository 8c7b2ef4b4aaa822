"""The resolver that does not cooperate: the system's functions, called where they are asked for."""

import _socket
from typing import Any

__all__ = ["Resolver"]


class Resolver:
    """For programs that resolve a few names at their start and want no threads."""

    getaddrinfo = staticmethod(_socket.getaddrinfo)
    gethostbyname = staticmethod(_socket.gethostbyname)
    gethostbyname_ex = staticmethod(_socket.gethostbyname_ex)
    gethostbyaddr = staticmethod(_socket.gethostbyaddr)
    getnameinfo = staticmethod(_socket.getnameinfo)

    def __init__(self, hub: Any = None) -> None:
        pass

    def close(self) -> None:
        """Nothing is held."""
