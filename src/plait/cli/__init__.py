"""plait.cli: the `plait` command, also as `python -m plait`."""

from plait.cli.app import main as main

__all__ = ["main"]
