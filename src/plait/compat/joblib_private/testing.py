"""joblib.testing: pytest's tools under the names that joblib's tests and users' know them by."""

from __future__ import annotations

import os.path
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import pytest

raises = pytest.raises
warns = pytest.warns
fixture = pytest.fixture
param = pytest.param
skipif = pytest.mark.skipif
parametrize = pytest.mark.parametrize
timeout = pytest.mark.timeout
xfail = pytest.mark.xfail
SkipTest = pytest.skip.Exception


def warnings_to_stdout() -> None:
    """From now on, write warnings to stdout, with the file's name alone."""
    show = warnings.showwarning

    def showwarning(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any
    ) -> None:
        show(message, category, os.path.basename(filename), lineno, sys.stdout)

    warnings.showwarning = showwarning


def check_subprocess_call(
    cmd: Sequence[str],
    timeout: float | None = 5,
    stdout_regex: str | None = None,
    stderr_regex: str | None = None,
) -> None:
    """Run the command; raises ValueError where it fails, or prints something else than the patterns ask for.

    timeout: seconds until it gets SIGTERM; after as many again, SIGKILL.
    """
    with subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = _communicate(process, timeout, cmd)
    if process.returncode != 0:
        raise ValueError(f"Non-zero return code: {process.returncode}.\nStdout:\n{out}\nStderr:\n{err}")
    for name, pattern, text in (("stdout", stdout_regex, out), ("stderr", stderr_regex, err)):
        if pattern is not None and re.search(pattern, text) is None:
            raise ValueError(f"Unexpected {name}: {pattern!r} does not match:\n{text!r}")


def _communicate(process: subprocess.Popen[str], timeout: float | None, cmd: Sequence[str]) -> tuple[str, str]:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            return process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            warnings.warn(f"Timeout running {cmd}", stacklevel=3)
            process.send_signal(ending)
    return process.communicate()
