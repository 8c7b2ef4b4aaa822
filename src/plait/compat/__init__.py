"""plait.compat: imports of greenlet, gevent, joblib and dask answered by plait.

    from plait import compat

    compat.install("greenlet")       # before the first import of greenlet
    import greenlet                  # plait.greenlet, the same module object

Whatever is imported from then on, by whomever, is plait's. `plait run` does the same for a whole program.
"""

from plait.compat.aliases import install as install
from plait.compat.aliases import installed as installed
from plait.compat.aliases import names as names
from plait.compat.aliases import uninstall as uninstall
from plait.compat.children import environment as environment
from plait.compat.errors import AlreadyImportedError as AlreadyImportedError
from plait.compat.errors import NotProvidedError as NotProvidedError
from plait.compat.errors import UnknownPeerError as UnknownPeerError

__all__ = [
    "AlreadyImportedError",
    "NotProvidedError",
    "UnknownPeerError",
    "environment",
    "install",
    "installed",
    "names",
    "uninstall",
]
