"""The private names of gevent that its own tests and some libraries import, over plait's modules.

Names only: what does something is in `plait.green`. One module here for one of gevent's where a table's row of places
would not do.
"""

from typing import NamedTuple


class _VersionInfo(NamedTuple):
    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: int


#: The release that plait matches, in `gevent.version_info`'s form.
version_info = _VersionInfo(26, 9, 0, "final", 0)
