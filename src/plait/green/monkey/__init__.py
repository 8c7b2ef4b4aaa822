"""Monkey patching: the standard library's blocking calls, locks and threads become cooperative in place.

    from plait.green import monkey
    monkey.patch_all()

Call it first in the main module where you can; it works later too, in any order: references that other modules took
before (`from time import sleep`) are rebound, and objects that exist already are adapted where that is possible.
`leftovers()` names what could not be reached.

`python -m` and the events around patching: see `main` and `modules`.
"""

from plait.green.monkey.errors import MonkeyPatchWarning as MonkeyPatchWarning
from plait.green.monkey.everything import patch_all as patch_all
from plait.green.monkey.everything import patch_builtins as patch_builtins
from plait.green.monkey.everything import patch_contextvars as patch_contextvars
from plait.green.monkey.everything import patch_dns as patch_dns
from plait.green.monkey.everything import patch_os as patch_os
from plait.green.monkey.everything import patch_queue as patch_queue
from plait.green.monkey.everything import patch_select as patch_select
from plait.green.monkey.everything import patch_selectors as patch_selectors
from plait.green.monkey.everything import patch_signal as patch_signal
from plait.green.monkey.everything import patch_socket as patch_socket
from plait.green.monkey.everything import patch_ssl as patch_ssl
from plait.green.monkey.everything import patch_subprocess as patch_subprocess
from plait.green.monkey.everything import patch_sys as patch_sys
from plait.green.monkey.everything import patch_thread as patch_thread
from plait.green.monkey.everything import patch_time as patch_time
from plait.green.monkey.modules import patch_module as patch_module
from plait.green.monkey.program import main as main
from plait.green.monkey.rebinding import leftovers as leftovers
from plait.green.monkey.state import get_original as get_original
from plait.green.monkey.state import is_anything_patched as is_anything_patched
from plait.green.monkey.state import is_module_patched as is_module_patched
from plait.green.monkey.state import is_object_patched as is_object_patched
from plait.green.monkey.state import patch_item as patch_item
from plait.green.monkey.state import remove_item as remove_item
from plait.green.monkey.state import saved as saved

__all__ = [
    "MonkeyPatchWarning",
    "get_original",
    "is_anything_patched",
    "is_module_patched",
    "is_object_patched",
    "leftovers",
    "main",
    "patch_all",
    "patch_builtins",
    "patch_contextvars",
    "patch_dns",
    "patch_item",
    "patch_module",
    "patch_os",
    "patch_queue",
    "patch_select",
    "patch_selectors",
    "patch_signal",
    "patch_socket",
    "patch_ssl",
    "patch_subprocess",
    "patch_sys",
    "patch_thread",
    "patch_time",
    "remove_item",
    "saved",
]
