"""How many cores this process may use: the machine's, its affinity, its cgroup's CPU quota, and the user's own bound.

The affinity and the environment are asked each time, since both may change; the quota is read anew after a second, as
it takes a dozen system calls. Cost: 3 us, 100 us where the quota is read.
"""

from __future__ import annotations

import os
from time import monotonic

BOUND = "LOKY_MAX_CPU_COUNT"  # the peer's name, which people have in their scripts
_CGROUPS = "/sys/fs/cgroup"
_TOPOLOGY = "/sys/devices/system/cpu"
_QUOTA_S = 1.0  # how long a quota is believed

_quota: tuple[float, int | None] = (float("-inf"), None)  # when it was read, value
_physical_warned = False


def cpu_count(only_physical_cores: bool = False, max_age_s: float = _QUOTA_S) -> int:
    """Cores that this process may use: the least of its affinity, the CPU quota of its cgroup, and LOKY_MAX_CPU_COUNT.

    only_physical_cores: leave out the second thread of a core. It counts only where nothing of the above cuts the
    machine's number down, as in joblib. max_age_s: how old the quota may be. At least 1. Raises ValueError
    for a bound that is no number.
    """
    machine = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0))
    quota = _current_quota(max_age_s)
    bound = _bound()
    usable = max(1, min(limit for limit in (allowed, quota, bound) if limit is not None))
    if not only_physical_cores or usable < machine:
        return min(usable, machine)
    return _physical() or usable


def _bound() -> int | None:
    text = os.environ.get(BOUND, "")
    try:
        return int(text) if text else None
    except ValueError:
        raise ValueError(f"{BOUND}={text!r} in the environment is not an integer; give it a number of cores") from None


def _physical() -> int | None:
    """Distinct cores of the machine; None, and one warning, where the kernel does not say."""
    global _physical_warned
    cores = {siblings for cpu in os.sched_getaffinity(0) if (siblings := _siblings(cpu)) is not None}
    if cores:
        return len(cores)
    if not _physical_warned:
        _physical_warned = True
        import warnings

        warnings.warn(
            f"Could not find the number of physical cores: {_TOPOLOGY} does not say. Returning the number of logical "
            f"cores instead. You can silence this warning by setting {BOUND} to the number of cores you want to use.",
            stacklevel=3,
        )
    return None


def _siblings(cpu: int) -> str | None:
    return _read(f"{_TOPOLOGY}/cpu{cpu}/topology/thread_siblings_list")


def _current_quota(max_age_s: float) -> int | None:
    global _quota
    read, value = _quota
    now = monotonic()
    if now - read >= max_age_s:
        value = read_quota(_read("/proc/self/cgroup") or "", _CGROUPS)
        _quota = now, value
    return value


def read_quota(cgroups: str, root: str) -> int | None:
    """The smallest CPU quota between our cgroup and the root, in cores, rounded up; None without one.

    cgroups: the text of /proc/self/cgroup. root: where the cgroup file systems are mounted.
    """
    quotas = []
    for line in cgroups.splitlines():
        number, controllers, own = line.split(":", 2)
        if number == "0" and not controllers:
            quotas += [_quota_v2(folder) for folder in _upwards(root, own)]
        elif "cpu" in controllers.split(","):
            quotas += [_quota_v1(folder) for folder in _upwards(f"{root}/cpu", own)]
    # Where version 1 is mounted under both controllers' names, `cpu` may be missing.
    quotas += [_quota_v1(f"{root}/{mount}") for mount in ("cpu,cpuacct", "cpuacct,cpu")]
    return min((quota for quota in quotas if quota is not None), default=None)


def _upwards(mount: str, own: str) -> list[str]:
    """The folders of a cgroup and of those above it. In a container, where `own` is not visible, the mount remains."""
    names = [name for name in own.split("/") if name and name != ".."]
    return ["/".join([mount, *names[:count]]) for count in range(len(names), -1, -1)]


def _quota_v2(folder: str) -> int | None:
    words = (_read(f"{folder}/cpu.max") or "").split()
    return _in_cores(words[0], words[1]) if len(words) == 2 else None


def _quota_v1(folder: str) -> int | None:
    return _in_cores(_read(f"{folder}/cpu.cfs_quota_us"), _read(f"{folder}/cpu.cfs_period_us"))


def _in_cores(quota: str | None, period: str | None) -> int | None:
    """Microseconds in a period as cores; None for no limit: 'max' in version 2, -1 in version 1."""
    try:
        used, of = int(quota or ""), int(period or "")
    except ValueError:
        return None
    return max(1, -(-used // of)) if used > 0 and of > 0 else None


def _read(path: str) -> str | None:
    """A small file's text; None where it cannot be read."""
    try:
        with open(path, errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None
