"""What load raises where a file is not what it should be."""

from __future__ import annotations

import pickle

from plait._base.errors import PlaitError


class DamagedFile(PlaitError, pickle.UnpicklingError, EOFError, ValueError):
    """A file ends too early, or its bytes make no sense. The text names the file."""
