"""A graph on a cluster of which scheduler and workers are in three network namespaces, and the client in a fourth."""

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("distributed")

PATH = os.environ["PATH"] + os.pathsep + "/usr/sbin"
# Root of namespaces of its own; what it starts ends with it.
ALONE = ["unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

NETWORK = """
set -e
mount -t tmpfs none /run && mkdir /run/netns
ip link set lo up
ip link add bridge type bridge
ip addr add 10.77.0.1/24 dev bridge
ip link set bridge up
for i in 2 3 4; do
  ip netns add n$i
  ip link add v$i type veth peer name eth0 netns n$i
  ip link set v$i master bridge up
  ip -n n$i addr add 10.77.0.$i/24 dev eth0
  ip -n n$i link set eth0 up
  ip -n n$i link set lo up
done
"""
CLUSTER = """
ip netns exec n2 {python} -m distributed.cli.dask_scheduler --host 10.77.0.2 --port 8786 \\
  --no-dashboard 2>scheduler.log &
for i in 3 4; do
  ip netns exec n$i {python} -m distributed.cli.dask_worker tcp://10.77.0.2:8786 --host 10.77.0.$i --nthreads 1 \\
    --no-dashboard --no-nanny --local-directory w$i 2>worker$i.log &
done
{python} program.py
"""
PROGRAM = """
import socket
import time

from distributed import Client

from plait.lazy import compute, delayed


def add(*values):
    return sum(values)


def slow(i):
    time.sleep(0.05)
    return i


if __name__ == "__main__":
    with Client("tcp://10.77.0.2:8786", timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        level = [delayed(slow)(i) for i in range(64)]
        while len(level) > 1:
            level = [delayed(add)(*level[i : i + 8]) for i in range(0, len(level), 8)]
        print(*compute(level[0], scheduler=client))
        print(sorted(worker["host"] for worker in client.scheduler_info()["workers"].values()))
        print(all(count for count in client.run(lambda dask_worker: len(dask_worker.state.log)).values()))
"""


def test_a_graph_on_a_cluster_of_three_network_namespaces(tmp_path):
    if shutil.which("ip", path=PATH) is None or shutil.which("unshare") is None or run(tmp_path, NETWORK).returncode:
        pytest.skip("network namespaces need unshare, ip, and the right to make bridges in a namespace")
    (tmp_path / "program.py").write_text(PROGRAM)
    result = run(tmp_path, NETWORK + CLUSTER.format(python=sys.executable))
    assert result.stdout == "2016\n['10.77.0.3', '10.77.0.4']\nTrue\n", result.stderr + logs(tmp_path)


def run(folder, script):
    return subprocess.run(
        [*ALONE, "sh", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": PATH},
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )


def logs(folder):
    return textwrap.indent("".join(path.read_text() for path in folder.glob("*.log")), "    ")
