"""What can go wrong when plait stands in for another library."""

from plait._base.errors import PlaitError


class UnknownPeerError(PlaitError, ValueError):
    """The name is no library that plait stands in for."""


class AlreadyImportedError(PlaitError, RuntimeError):
    """The real library is in this process already; two of them would not know each other's objects."""


class NotProvidedError(PlaitError, ModuleNotFoundError):
    """A module of the peer that has no counterpart in plait.

    Its `name` stays empty: for `from gevent import x` the import system drops an error that names gevent.x, and with it
    the explanation.
    """
