"""Runs a program's work twice, and says what it returned, what it left open, and what answered for gevent.

Patches nothing, and is imported after the program has patched.
"""

import gc
import json
import os
from collections import Counter
from pathlib import Path


def report(work, *args):
    """Print, as one line of JSON, what both calls of `work` returned and how the second differs from the first."""
    results = work(*args)
    before = descriptors()
    again = work(*args)
    left = descriptors()
    left.subtract(before)
    said = {"results": results, "again": again, "left": {kind: count for kind, count in left.items() if count}}
    print(json.dumps({**said, "children": children(), "witness": witness()}), flush=True)


def witness():
    """What gevent and greenlet are in this process, by their modules and by what is mapped."""
    import gevent
    import greenlet

    mapped = {line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    extensions = [path for path in mapped if path.endswith(".so") and peers(path)]
    return {
        "gevent": type(gevent.__spec__.loader).__module__,
        "greenlet": greenlet.__spec__.name,
        "version": gevent.__version__,
        "extensions": sorted(extensions),
        "ours": any("/plait/greenlet/_core." in path for path in mapped),
    }


def peers(path):
    """Whether a shared library is gevent's or greenlet's own; plait has folders of these names below its own."""
    return path.rpartition("/site-packages/")[2].startswith(("gevent/", "greenlet/"))


def descriptors():
    """How many descriptors of each kind are open."""
    gc.collect()
    kinds = Counter()
    for number in os.listdir("/proc/self/fd"):
        try:
            kinds[os.readlink(f"/proc/self/fd/{number}").partition(":[")[0]] += 1
        except OSError:  # the listing's own
            continue
    return kinds


def children():
    """The command lines of this process's children, which include those that nobody has waited for."""
    pids = [pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]
    return [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in pids]
