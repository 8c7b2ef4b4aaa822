"""Layer 1: coroutines with stacks of their own, switched by hand.

    from plait.greenlet import greenlet, getcurrent

The interface of the greenlet package. A switch exchanges stacks and copies nothing: it costs what a generator's
`next` does, however deep the stack. The C contract is in `_native/core.h`.
"""

from plait.greenlet._core import _C_API, GreenletExit, error, getcurrent, gettrace, greenlet, settrace, stats
from plait.greenlet.headers import get_include

__all__ = ["GreenletExit", "_C_API", "error", "get_include", "getcurrent", "gettrace", "greenlet", "settrace", "stats"]
