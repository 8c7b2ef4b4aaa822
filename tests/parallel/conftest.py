"""What tests of the pool share: each begins without workers, and must leave nothing behind."""

import gc
import os
from pathlib import Path

import pytest

from plait.parallel import nesting, pool
from plait.parallel.pool.launch import Launcher


def children():
    return {int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def descriptors():
    """What every open descriptor leads to, but those of the hub, which a thread keeps."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the folder's own
            pass
    return sorted(name for name in found if not name.startswith(("anon_inode:", "pipe:")))


def pipes():
    return sum(os.readlink(f"/proc/self/fd/{name}").startswith("pipe:") for name in open_numbers())


def open_numbers():
    return [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]


@pytest.fixture(autouse=True)
def nothing_left():
    pool.shutdown()
    gc.collect()
    before = children(), descriptors(), pipes(), {name for name in os.listdir("/dev/shm") if "plait" in name}
    yield
    pool.shutdown()
    gc.collect()
    assert (children(), descriptors(), pipes(), {name for name in os.listdir("/dev/shm") if "plait" in name}) == before
    assert nesting.budget().used == 0


@pytest.fixture(params=["forked", "served"])
def launched(request, monkeypatch):
    """Workers forked from this process, or from the fork server."""
    monkeypatch.setattr(Launcher, "can_fork", lambda self: request.param == "forked")
    return request.param
