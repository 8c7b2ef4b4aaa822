"""How many of CPython's own tests of asyncio pass on our event loop?

Each module runs on the standard library's selector loop and on `plait.green.aio.EventLoop` in its place, in processes
of their own; a case that hangs or crashes ends its process and counts as such.

    python -m benchmarks.green.asyncio_tests [--module test_events ...] [--list] [--logs FOLDER]

`--list` names the cases whose outcomes differ. Exits with 1 where fewer pass on ours.
"""

import argparse
import sys

from benchmarks.green.standard_library import outcomes

MODULES = [
    *("test_base_events", "test_buffered_proto", "test_context", "test_events", "test_futures", "test_futures2"),
    *("test_locks", "test_pep492", "test_protocols", "test_queues", "test_runners", "test_selector_events"),
    *("test_sendfile", "test_server", "test_sock_lowlevel", "test_ssl", "test_sslproto", "test_staggered"),
    *("test_streams", "test_subprocess", "test_taskgroups", "test_tasks", "test_threads", "test_timeouts"),
    *("test_transports", "test_unix_events", "test_waitfor"),
]

# Tests name the class by asyncio and by its module, with the selector that it is to use, or take the policy's.
IN_PLACE = """
import asyncio, asyncio.unix_events
from plait.green.aio import EventLoop as Ours

class EventLoop(Ours):
    def __init__(self, selector=None):
        super().__init__()

asyncio.SelectorEventLoop = asyncio.unix_events.SelectorEventLoop = EventLoop
asyncio.EventLoop = asyncio.unix_events.EventLoop = EventLoop
for name in ("_UnixDefaultEventLoopPolicy", "_DefaultEventLoopPolicy"):
    if hasattr(asyncio.unix_events, name):
        getattr(asyncio.unix_events, name)._loop_factory = EventLoop
"""

SIDES = {"asyncio": "", "plait": IN_PLACE}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.green.asyncio_tests", description=__doc__)
    parser.add_argument("--module", action="append", help="this module alone; may be given more than once")
    parser.add_argument("--list", action="store_true", help="name the cases whose outcomes differ")
    parser.add_argument("--seconds", type=float, default=30, help="that a case may take (default 30)")
    parser.add_argument("--logs", metavar="FOLDER", help="keep what the tests print there")
    arguments = parser.parse_args()
    print(f"CPython's own tests of asyncio, Python {sys.version.split()[0]}\n")
    print(f"{'module':24} {'cases':>6} {'asyncio':>8} {'plait':>8}", flush=True)
    fewer = False
    for module in arguments.module or MODULES:
        name = f"test_asyncio.{module}"
        peer, ours = (
            outcomes(side, [sys.executable], first, name, arguments.seconds, arguments.logs)
            for side, first in SIDES.items()
        )
        passed = [sum(outcome == "passed" for outcome in found.values()) for found in (peer, ours)]
        fewer |= passed[1] < passed[0]
        verdict = "FEWER" if passed[1] < passed[0] else ""
        print(f"{module:24} {len({*peer, *ours}):6} {passed[0]:8} {passed[1]:8}  {verdict}".rstrip(), flush=True)
        for case in sorted({*peer, *ours}) if arguments.list else ():
            pair = peer.get(case, "absent"), ours.get(case, "absent")
            if pair[0] != pair[1]:
                print(f"    {case}: {pair[0]} | {pair[1]}", flush=True)
    raise SystemExit(1 if fewer else 0)


if __name__ == "__main__":
    main()
