"""scikit-learn, unmodified, gives on plait the numbers that it gives on joblib, and its own tests of n_jobs pass."""

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")
LIMIT_S = 1200  # for all of its tests, most of which is their collection


@pytest.mark.parametrize("seed", [0, 7])
def test_the_numbers_are_the_same_to_the_last_bit(on_both, seed):
    stock, plait = on_both("estimators.py", seed)
    assert len(plait) == 9
    for name, numbers in plait.items():
        assert numbers == stock[name], name


@pytest.mark.timeout(2 * LIMIT_S)
def test_scikit_learns_tests_that_mention_n_jobs_pass_as_they_do_on_joblib(sides, tmp_path):
    modules = _modules()
    outcomes = {side: _outcomes(command, modules, tmp_path / side) for side, command in sides.items()}
    stock, plait = outcomes["joblib"], outcomes["plait"]
    print(_table(stock, plait))
    worse = {case: plait.get(case, "not run") for case, outcome in stock.items() if outcome != plait.get(case)}
    assert not worse
    assert sum(outcome == "passed" for outcome in stock.values()) >= 300


def _modules():
    """The test files of scikit-learn that mention n_jobs or joblib."""
    root = Path(find_spec("sklearn").origin).parent
    return sorted(path for path in root.rglob("test_*.py") if _mentions(path.read_text()))


def _mentions(text):
    return "n_jobs" in text or "joblib" in text


def _outcomes(command, modules, folder):
    """Case -> "passed", "failed" or "skipped", of the test functions that the plugin in programs/ selects."""
    folder.mkdir()
    noted = folder / "outcomes"
    pytest_in = [
        "-m",
        "pytest",
        "-p",
        "mentions_n_jobs",
        "-p",
        "no:cacheprovider",
        "-q",
        "-W",
        "ignore",
        "-o",
        "addopts=",
    ]
    path = os.pathsep.join(filter(None, [str(PROGRAMS), os.environ.get("PYTHONPATH")]))
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            [*command, *pytest_in, "--rootdir", str(modules[0].parents[3]), *map(str, modules)],
            check=False,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=LIMIT_S,
            env={**os.environ, "PYTHONPATH": path, "OUTCOMES": str(noted)},
        )
    assert done.returncode in (0, 1), (folder / "log").read_text()[-5000:]
    return dict(json.loads(line) for line in noted.read_text().splitlines())


def _table(stock, plait):
    """Passed cases by folder of the suite, on both."""
    folders = {}
    for side, outcomes in enumerate((stock, plait)):
        for case, outcome in outcomes.items():
            place = case.partition("::")[0].removeprefix("sklearn/").replace("/tests", "")
            folders.setdefault(place, [0, 0])[side] += outcome == "passed"
    lines = [f"{place:60} {on_stock:7} {on_plait:7}" for place, (on_stock, on_plait) in sorted(folders.items())]
    return "\n".join([f"{'passed':60} {'joblib':>7} {'plait':>7}", *lines])
