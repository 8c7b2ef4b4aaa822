"""How much memory may still be had. Shared memory beyond that is not refused: the kernel kills a process instead."""

from __future__ import annotations

from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")
# (mount, prefix of its line in /proc/self/cgroup, limit, use, the line of memory.stat for what can be dropped)
_VERSIONS = (
    (_GROUPS, "0::", "memory.max", "memory.current", "inactive_file"),
    (_GROUPS / "memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_bytes() -> int:
    """What the system has, swap included, cut by what the control groups of this process allow."""
    fields = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
    there = sum(int(fields[name].split()[0]) for name in ("MemAvailable", "SwapFree")) * 1024
    return max(0, min([there, *_left_in_groups()]))


def _left_in_groups() -> list[int]:
    try:
        entries = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    left = []
    for mount, kind, *names in _VERSIONS:
        for number, controllers, path in entries:
            if (kind == "0::" and number == "0" and not controllers) or kind in controllers.split(","):
                folder = mount / path.lstrip("/")
                places = [folder, *folder.parents]
                left += [_left(place, *names) for place in places if place.is_relative_to(mount)]
    return [count for count in left if count is not None]


def _left(folder: Path, limit: str, use: str, droppable: str) -> int | None:
    """What a group may still take; None without a limit."""
    try:
        most = int((folder / limit).read_text())
        used = int((folder / use).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return most - used + int(stat.get(droppable, 0))
    except (OSError, ValueError):
        return None
