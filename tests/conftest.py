"""What all tests share: the rule about skips, and a way to run a script in a fresh interpreter.

A skip hides what was not tested. Under CI every one must stand in skips.toml with its reason, or the run fails.
"""

import fnmatch
import gc
import os
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

SKIPS = Path(__file__).with_name("skips.toml")
_unlisted = pytest.StashKey[list[str]]()

RunScript = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_unlisted] = []
    if os.environ.get("CI"):
        listed = [entry["test"] for entry in tomllib.loads(SKIPS.read_text()).get("skip", [])]
        config.pluginmanager.register(_SkipRule(listed, config.stash[_unlisted]), "skip-rule")


class _SkipRule:
    """Collects the skips that no pattern of `listed` allows; turns a passed run with any of them into a failed one."""

    def __init__(self, listed: list[str], unlisted: list[str]) -> None:
        self._listed = listed
        self._unlisted = unlisted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        expected_failure = hasattr(report, "wasxfail")
        if report.skipped and not expected_failure and not self._allowed(report.nodeid):
            self._unlisted.append(report.nodeid)

    def _allowed(self, nodeid: str) -> bool:
        return any(fnmatch.fnmatchcase(nodeid, pattern.replace("[", "[[]")) for pattern in self._listed)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unlisted and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in self._unlisted:
            terminalreporter.write_line(f"SKIP NOT LISTED in tests/skips.toml: {nodeid}", red=True)


@pytest.fixture(scope="module", autouse=True)
def old_objects_are_not_collected():
    """Full collections, of which some tests make many, pass over what was there before the module."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """Run source text as a script in a fresh interpreter; keywords are environment variables. Never raises."""

    def run(source: str, *args: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, str(script), *args],
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture
def run_plait(tmp_path: Path) -> RunScript:
    """Run the `plait` command in a fresh interpreter, in the test's own folder. Never raises."""

    def run(*args: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "plait", *args],
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=tmp_path,
            env={**os.environ, **environment},
        )

    return run
