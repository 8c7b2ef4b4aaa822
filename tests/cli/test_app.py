"""The command line's grammar: help, exit codes, errors."""

import importlib.metadata
import re
import subprocess
import sys

import pytest


def test_without_a_command_the_help_goes_to_stderr_with_code_2(run_plait):
    result = run_plait()
    assert (result.returncode, result.stdout) == (2, "")
    for command in ("tour", "run", "info"):
        assert re.search(rf"^    {command}\b", result.stderr, re.MULTILINE)


@pytest.mark.parametrize("words", [["--help"], ["tour", "--help"], ["run", "--help"], ["info", "--help"]])
def test_help_is_answered(run_plait, words):
    result = run_plait(*words)
    assert result.returncode == 0
    assert result.stdout.startswith("usage: plait")
    assert result.stderr == ""


@pytest.mark.parametrize(
    "words", [["nonsense"], ["tour", "--nonsense"], ["run", "--nonsense", "x.py"], ["run", "--as"]]
)
def test_wrong_usage_ends_with_2_and_the_usage(run_plait, words):
    result = run_plait(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: plait")


def test_a_reader_that_goes_away_is_no_traceback():
    command = [sys.executable, "-u", "-m", "plait", "info"]
    plait = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    plait.stdout.close()
    with plait:
        assert plait.stderr.read() == ""
    assert plait.returncode == 1


def test_version(run_plait):
    assert run_plait("--version").stdout == f"plait {importlib.metadata.version('plait')}\n"


def test_the_console_script_is_the_same_command():
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="plait")
    from plait.cli import main

    assert entry.load() is main
