"""What the command line refuses: reported in one line on stderr, with exit code 2."""

from plait._base.errors import PlaitError


class UsageError(PlaitError, ValueError):
    """The command cannot be done as it was asked."""
