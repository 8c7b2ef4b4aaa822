"""How many cores there are to use: affinity, quotas of either kind of cgroup, the user's bound."""

import os
import warnings

import pytest

from plait.parallel import cores
from plait.parallel.cores import cpu_count


@pytest.fixture(autouse=True)
def no_bound(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many cores, all of them ours, and no quota."""

    def make(count, quota=None):
        monkeypatch.setattr(os, "cpu_count", lambda: count)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(count)))
        monkeypatch.setattr(cores, "_current_quota", lambda max_age_s: quota)

    return make


def test_cpu_count_follows_the_affinity():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cpu_count() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= cpu_count(only_physical_cores=True) <= cpu_count() <= len(before)


@pytest.mark.parametrize(
    ("bound", "quota", "count"),
    [("3", None, 3), ("100", None, 8), ("", None, 8), ("3", 2, 2), ("0", None, 1), ("-5", None, 1)],
)
def test_the_least_bound_counts(machine, monkeypatch, bound, quota, count):
    machine(8, quota)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", bound)
    assert cpu_count() == count


def test_a_bound_that_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "many")
    with pytest.raises(ValueError, match="LOKY_MAX_CPU_COUNT='many' in the environment is not an integer"):
        cpu_count()


def test_physical_cores(machine, monkeypatch):
    machine(8)
    monkeypatch.setattr(cores, "_siblings", lambda cpu: f"{cpu % 4},{cpu % 4 + 4}")
    assert (cpu_count(), cpu_count(only_physical_cores=True)) == (8, 4)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "7")  # a number that was cut down counts as it is
    assert cpu_count(only_physical_cores=True) == 7


def test_unknown_physical_cores_are_warned_of_once(machine, monkeypatch):
    machine(8)
    monkeypatch.setattr(cores, "_siblings", lambda cpu: None)
    monkeypatch.setattr(cores, "_physical_warned", False)
    with pytest.warns(UserWarning, match="Could not find the number of physical cores"):
        assert cpu_count(only_physical_cores=True) == 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cpu_count(only_physical_cores=True) == 8


@pytest.mark.parametrize(("text", "quota"), [("max 100000", None), ("150000 100000", 2), ("5000 100000", 1)])
def test_the_quota_of_a_cgroup(tmp_path, text, quota):
    inner = tmp_path / "slice" / "service"
    inner.mkdir(parents=True)
    (tmp_path / "slice" / "cpu.max").write_text(text)
    (inner / "cpu.max").write_text("max 100000")
    assert cores.read_quota("0::/slice/service\n", str(tmp_path)) == quota


@pytest.mark.parametrize(("quota", "count"), [("-1", None), ("250000", 3)])
@pytest.mark.parametrize("seen", [True, False])
def test_the_quota_of_a_cgroup_of_version_1(tmp_path, quota, count, seen):
    """In a container the group may be mounted as the root, and its own path not be there."""
    folder = tmp_path / "cpu" / ("docker/abc" if seen else "")
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(quota + "\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    text = "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n"
    assert cores.read_quota(text, str(tmp_path)) == count


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpuacct,cpu"])
def test_version_1_mounted_under_both_controllers_names(tmp_path, mount):
    (tmp_path / mount).mkdir()
    (tmp_path / mount / "cpu.cfs_quota_us").write_text("150000\n")
    (tmp_path / mount / "cpu.cfs_period_us").write_text("100000\n")
    assert cores.read_quota("4:cpu,cpuacct:/\n", str(tmp_path)) == 2


def test_a_quota_is_believed_for_a_second_unless_a_fresh_one_is_asked_for(monkeypatch):
    quotas = iter([1, 2])
    monkeypatch.setattr(cores, "_quota", (float("-inf"), None))
    monkeypatch.setattr(cores, "read_quota", lambda cgroups, root: next(quotas))
    monkeypatch.setattr(cores, "monotonic", lambda: 5.0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert [cpu_count(), cpu_count(), cpu_count(max_age_s=0)] == [1, 1, 2]


def test_no_cgroups_no_quota(tmp_path):
    assert cores.read_quota("", str(tmp_path)) is None
