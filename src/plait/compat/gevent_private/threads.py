"""gevent.threading's class of threads that nobody started, apart from the standard library's, as it is there."""

import threading


class _DummyThread(threading._DummyThread):
    """Stands for a thread that was not started through `threading`."""

    _NEEDS_CLASS_FORK_FIXUP = False  # the standard library's own mending after a fork holds here
