"""Public exceptions that belong to no single layer.

Each also inherits the builtin that callers expect, so that `except ValueError` keeps working. A message names the
input, the rule and the remedy. A layer's own exceptions live in that layer and inherit PlaitError.
"""


class PlaitError(Exception):
    """The base of every exception that plait defines."""
