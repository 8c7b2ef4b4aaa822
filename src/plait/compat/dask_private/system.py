"""dask.system: how many cores there are for tasks."""

from __future__ import annotations

from plait.parallel import cores

__all__ = ("CPU_COUNT", "cpu_count")


def cpu_count() -> int:
    """Cores that this process may use now: the least of its affinity and its cgroup's CPU quota."""
    return cores.cpu_count(max_age_s=0)


CPU_COUNT = cpu_count()
