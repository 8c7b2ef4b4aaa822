"""The contract between the hub and the kernel's readiness interface, and its Linux form (epoll).

A poller has five functions; a port to another kernel (kqueue) writes these and nothing else:

    watch(fd, interest)   what the hub wants to hear about fd: READ, WRITE, both, or 0 to stop. Idempotent.
                          Raises PermissionError for a descriptor that is always ready (a regular file).
    forget(fd)            fd is about to be closed, or its number was reused: drop all that is known of it.
    wait(timeout_s)       block for at most timeout_s seconds (None: until something happens; 0: do not block).
                          Returns a list of (fd, ready) with ready of READ | WRITE; errors and hang-ups report as
                          both, so that the waiter finds the error in its own system call.
    notify()              make a wait() that blocks now, or the next one, return. The only function that any thread
                          may call; all others belong to the hub's thread.
    close()               release the kernel's objects. Idempotent.

Level-triggered: readiness is reported until it is consumed or no longer asked for. Costs: watch is one system call
when the interest changes and none when it does not; wait is one.

Native: see `_native/io.pyx`. It makes the system calls itself, so that patching `select` and `os` cannot make the
poller wait for itself.
"""

from plait.green._native.io import EpollPoller

__all__ = ["READ", "WRITE", "EpollPoller"]

READ = 1
WRITE = 2
