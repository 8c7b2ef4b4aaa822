"""What tests of the pool share: each begins without workers, and must leave nothing behind."""

import gc
import os
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from plait.green import hub
from plait.parallel import nesting, pool
from plait.parallel.pool.launch import Launcher

_OF_A_HUB = ("anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[timerfd]")


def children():
    """Processes that this one has started, zombies too."""
    found = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(FileNotFoundError):  # that thread has ended
            found |= {int(pid) for pid in path.read_text().split()}
    return found


def descriptors():
    """What the open descriptors lead to, and how many to each kind; those of a hub, which a thread keeps, apart."""
    found = Counter()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the folder's own
            continue
        # pipes and sockets have numbers, which say nothing in a message
        found[target.partition(":")[0] if target.startswith(("pipe:", "socket:")) else target] += 1
    return found


def shared_memory():
    return {name for name in os.listdir("/dev/shm") if "plait" in name}


def state():
    open_now = descriptors()
    hubs = {kind: open_now.pop(kind, 0) for kind in _OF_A_HUB}
    return {
        "child processes": children(),
        "descriptors": open_now,
        "descriptors of hubs": hubs if hub.current() is None else None,
        "files in /dev/shm": shared_memory(),
        "workers lent": nesting.budget().used,
    }


@pytest.fixture(autouse=True)
def nothing_left(tmp_path_factory, monkeypatch):
    """Begin without workers; afterwards there is no process, descriptor, shared memory or temporary file more.

    Temporary files of the test itself belong into tmp_path, which is elsewhere.
    """
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    pool.shutdown()
    gc.collect()
    before = state()
    yield
    pool.shutdown()
    gc.collect()
    after = state()
    if after["descriptors of hubs"] is None:  # one was started, or was there all the time
        before["descriptors of hubs"] = None
    assert after == before
    assert os.listdir(folder) == []


@pytest.fixture(params=["forked", "served"])
def launched(request, monkeypatch):
    """Workers forked from this process, or from the fork server."""
    monkeypatch.setattr(Launcher, "can_fork", lambda self: request.param == "forked")
    return request.param
