"""Where a C extension finds `greenlet/greenlet.h`."""

import os


def get_include() -> str:
    """The folder to give to a C compiler's -I, so that `#include <greenlet/greenlet.h>` is found."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")
