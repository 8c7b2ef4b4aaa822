"""Where a C extension finds `greenlet/greenlet.h`."""

from pathlib import Path


def get_include() -> str:
    """The folder to give to a C compiler's -I, so that `#include <greenlet/greenlet.h>` is found."""
    return str(Path(__file__).parent / "include")
