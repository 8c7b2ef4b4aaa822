"""The rule about skips in conftest.py, on a suite of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest

@pytest.mark.skip(reason="no server")
def test_skipped(): ...

@pytest.mark.parametrize("case", ["a[b]", "c"])
def test_parametrized(case):
    pytest.skip("no client")

@pytest.mark.xfail(strict=True)
def test_expected_to_fail():
    raise RuntimeError

def test_passes(): ...
"""
ABSENT = "import pytest\npytest.importorskip('no_such_module')\n"
ALL = ["tests/test_suite.py::*", "tests/test_absent.py"]


@pytest.fixture
def run_suite(tmp_path):
    """Run the suite with these skips listed; returns pytest's result."""
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(Path(__file__).with_name("conftest.py"), tests)
    (tests / "test_suite.py").write_text(SUITE)
    (tests / "test_absent.py").write_text(ABSENT)

    def run(*listed, ci="true"):
        entries = [f'[[skip]]\ntest = "{pattern}"\nreason = "for the test"\n' for pattern in listed]
        (tests / "skips.toml").write_text("".join(entries))
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, "tests"],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "CI": ci},
        )

    return run


def test_unlisted_skips_fail_the_run_and_are_named(run_suite):
    result = run_suite()
    assert result.returncode == 1, result.stdout
    named = [line.rpartition(" ")[2] for line in result.stdout.splitlines() if line.startswith("SKIP NOT LISTED")]
    assert sorted(named) == [
        "tests/test_absent.py",
        "tests/test_suite.py::test_parametrized[a[b]]",
        "tests/test_suite.py::test_parametrized[c]",
        "tests/test_suite.py::test_skipped",
    ]


def test_listed_skips_pass(run_suite):
    result = run_suite(*ALL)
    assert result.returncode == 0, result.stdout
    assert "SKIP NOT LISTED" not in result.stdout


def test_a_listed_case_allows_no_other(run_suite):
    result = run_suite("tests/test_suite.py::test_parametrized[a[b]]", "tests/test_suite.py::test_skipped", ALL[1])
    assert result.returncode == 1
    assert result.stdout.count("SKIP NOT LISTED") == 1
    assert "test_parametrized[c]" in result.stdout


def test_outside_ci_skips_pass(run_suite):
    assert run_suite(ci="").returncode == 0


def test_every_listed_skip_has_a_reason():
    import tomllib

    listed = tomllib.loads(Path(__file__).with_name("skips.toml").read_text()).get("skip", [])
    for entry in listed:
        assert entry.keys() == {"test", "reason"}
        assert len(entry["reason"]) > 10
