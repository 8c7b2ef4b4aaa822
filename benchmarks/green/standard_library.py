"""How many of CPython's own tests of its blocking modules pass when they are patched?

Each module of the standard library's test suite runs under `monkey.patch_all()`, on gevent and with plait in its place,
in processes of their own. A case that hangs or crashes ends its process and counts as such; another process does the
rest. Cases that need the network are skipped, and so are the counts of threads, which see what is not patched.

    python -m benchmarks.green.standard_library [--module test_socket ...] [--list] [--logs FOLDER]

`--list` names the cases whose outcomes differ. Exits with 1 where fewer pass on plait than on gevent.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

MODULES = [
    *("test_socket", "test_ssl", "test_subprocess", "test_threading", "test_thread", "test_queue", "test_select"),
    *("test_selectors", "test_signal", "test_httplib", "test_urllib2_localnet", "test_ftplib", "test_smtplib"),
]
SIDES = {"gevent": [sys.executable], "plait": [sys.executable, "-m", "plait", "run", "--as", "gevent,greenlet"]}
MODULE_TIMEOUT_S = 900
MOST_STARTS = 40

PATCH = "from gevent import monkey; monkey.patch_all()"

# What the child runs after its first lines: arguments are the module, the file of outcomes, which it appends to, and
# the seconds that a case may take.
CHILD = """
import contextlib, faulthandler, json, signal, sys, unittest
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts us in the background has it ignored
module, path, limit_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
with open(path) as file:
    done = {json.loads(line)[0] for line in file}

import test.support
from test.support import threading_helper
test.support.use_resources = []
threading_helper.threading_setup = lambda: ()
threading_helper.threading_cleanup = lambda *_: None
threading_helper.wait_threads_exit = lambda timeout=None: contextlib.nullcontext()

def note(case, outcome):
    with open(path, "a") as file:
        print(json.dumps([case.id(), outcome]), file=file)

class Noting(unittest.TextTestResult):
    def startTest(self, test):
        super().startTest(test)
        self.worst = None
        note(test, "hung or crashed")
        faulthandler.dump_traceback_later(limit_s, exit=True)
    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        note(test, self.worst or "passed")
        super().stopTest(test)
    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.worst = "failed"

def noting(method, outcome):
    base = getattr(unittest.TextTestResult, method)
    def add(self, test, *details):
        base(self, test, *details)
        if getattr(self, "worst", None) != "failed":
            self.worst = outcome
        if not isinstance(test, unittest.TestCase):  # a class or module could not be set up
            note(test, outcome)
    setattr(Noting, method, add)

for method in ("addFailure", "addError", "addUnexpectedSuccess"):
    noting(method, "failed")
for method in ("addSkip", "addExpectedFailure"):
    noting(method, "skipped")

def left(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            kept = type(test)(left(test))
            if kept.countTestCases():
                yield kept
        elif test.id() not in done:
            yield test

tests = unittest.TestSuite(left(unittest.defaultTestLoader.loadTestsFromName("test." + module)))
unittest.TextTestRunner(resultclass=Noting, verbosity=2).run(tests)
with open(path, "a") as file:
    print(json.dumps(["", "ended"]), file=file)
"""


def outcomes(
    side: str, command: Sequence[str], first: str, module: str, limit_s: float, logs: str | None = None
) -> dict[str, str]:
    """Case -> outcome, of as many processes as it takes. What these print goes to files in `logs`.

    command: the interpreter, to which the script is given; first: the lines that it begins with.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noted = folder / "noted"
        noted.touch()
        script = folder / "child.py"
        script.write_text(first + CHILD)
        for start in range(MOST_STARTS):
            before = noted.stat().st_size
            log = Path(logs or folder) / f"{module}.{side}.{start}.log"
            _run([*command, str(script), module, str(noted), str(limit_s)], folder, log)
            found = dict(json.loads(line) for line in noted.read_text().splitlines())
            if found.pop("", None) or noted.stat().st_size == before:
                break
        return found


def _run(command: Sequence[str], folder: Path, log: Path) -> None:
    with open(log, "w") as out:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        try:
            process.wait(MODULE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.green.standard_library", description=__doc__)
    parser.add_argument("--module", action="append", help="this module alone; may be given more than once")
    parser.add_argument("--list", action="store_true", help="name the cases whose outcomes differ")
    parser.add_argument("--seconds", type=float, default=30, help="that a case may take (default 30)")
    parser.add_argument("--logs", metavar="FOLDER", help="keep what the tests print there")
    arguments = parser.parse_args()
    print(f"CPython's own tests under patch_all, Python {sys.version.split()[0]}\n")
    print(f"{'module':24} {'cases':>6} {'gevent':>8} {'plait':>8}", flush=True)
    fewer = False
    for module in arguments.module or MODULES:
        peer, ours = (
            outcomes(side, command, PATCH, module, arguments.seconds, arguments.logs) for side, command in SIDES.items()
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
