"""greenlet: the package is plait.greenlet itself; its private module is a face of ours."""

from plait.compat.rows import Peer, Same

_PRIVATE = "plait.compat.greenlet_private"
_LENT = (
    "CLOCKS_PER_SEC",
    "GREENLET_USE_CONTEXT_VARS",
    "GREENLET_USE_GC",
    "GREENLET_USE_TRACING",
    "enable_optional_cleanup",
    "get_clocks_used_doing_optional_cleanup",
)

GREENLET = Peer(
    name="greenlet",
    version="3.5.6",
    summary="Lightweight in-process concurrent programming",
    modules={
        "greenlet": Same("plait.greenlet", lends={name: f"{_PRIVATE}:{name}" for name in _LENT}),
        "greenlet._greenlet": Same(_PRIVATE),
    },
    loads=("greenlet._greenlet",),
)
