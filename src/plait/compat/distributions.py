"""The peers' distributions as importlib.metadata sees them: a name and the version that plait matches, no files.

Their requirements are plait's own business, so they state none.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from os import PathLike
from pathlib import Path

from plait.compat.rows import Peer


def find(peers: Iterable[Peer], name: str | None) -> Iterator[Distribution]:
    """The distributions of `peers`, or the one that is called `name` in any spelling that installers accept."""
    return (PeerDistribution(peer) for peer in peers if name is None or _normal(name) == peer.name)


class PeerDistribution(Distribution):
    """What `importlib.metadata.distribution(peer)` answers while plait stands in for it."""

    def __init__(self, peer: Peer) -> None:
        self._files = {
            "METADATA": f"Metadata-Version: 2.1\nName: {peer.name}\nVersion: {peer.version}\nSummary: {peer.summary}\n",
            "top_level.txt": f"{peer.name}\n",
            "INSTALLER": "plait\n",
        }

    def read_text(self, filename: str) -> str | None:
        return self._files.get(filename)

    def locate_file(self, path: str | PathLike[str]) -> Path:
        return Path(__file__).parents[2] / path


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
