"""`plait info` says what is in and what the machine allows."""

import os
import platform
import resource


def lines(result):
    assert result.returncode == 0, result.stderr
    return dict(line.strip().split(": ", 1) for line in result.stdout.splitlines() if ": " in line)


def test_versions_and_native_parts(run_plait):
    shown = lines(run_plait("info"))
    assert shown["python"].startswith(platform.python_version())
    for part in ("plait.trace._ring", "plait.greenlet._core"):
        assert os.path.exists(shown[part])
        assert shown[part].endswith(".so")


def test_limits_are_this_machines(run_plait):
    shown = lines(run_plait("info"))
    assert shown["cores"].endswith(f"{len(os.sched_getaffinity(0))} for this process")
    with open("/proc/sys/vm/max_map_count") as file:
        assert shown["vm.max_map_count"] == file.read().strip()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert shown["open files (ulimit -n)"].startswith(str(soft))
    assert shown["guard pages without mappings"].startswith(("yes", "no"))
