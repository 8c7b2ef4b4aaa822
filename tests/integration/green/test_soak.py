"""A server with 10,000 connections that come and go: descriptors and memory stay flat."""

import os
import resource
import subprocess
import sys
from random import Random

import pytest

from plait import green
from plait.green.pool import Pool
from plait.green.socket import create_connection

CONNECTIONS = 10_000
ROUNDS = 3
CHURN = 3_000  # connections exchanged for new ones in each round

SERVER = """
import resource, sys
from plait.green.server import StreamServer
from plait.green.socket import wait_read

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

def echo(connection, address):
    while data := connection.recv(4096):
        connection.sendall(data)

server = StreamServer(("127.0.0.1", 0), echo, backlog=4096)
server.start()
print(server.server_port, flush=True)
wait_read(0)
server.stop()
"""


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = CONNECTIONS + 1000
    if hard < needed:
        pytest.skip(f"a process may open {hard} descriptors here, and {needed} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def server(many_descriptors):
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process, int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def descriptors_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def resident_bytes_of(process):
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def soak(port, random):
    """Open, talk on each, exchange some, talk again; close all."""
    pool = Pool(200)

    def connect(_):
        return create_connection(("127.0.0.1", port), timeout=60)

    def talk(connection):
        message = random.randbytes(64)
        connection.sendall(message)
        return connection.recv(4096) == message

    connections = pool.map(connect, range(CONNECTIONS))
    for _ in range(ROUNDS):
        assert all(pool.map(talk, connections))
        random.shuffle(connections)
        for connection in connections[:CHURN]:
            connection.close()
        connections[:CHURN] = pool.map(connect, range(CHURN))
    for connection in connections:
        connection.close()


@pytest.mark.timeout(600)
def test_ten_thousand_connections_with_churn_leave_nothing_behind(server):
    process, port = server
    random = Random(1)
    green.sleep(0)  # the hub has descriptors of its own
    open_before = descriptors_of(process)
    own_before = len(os.listdir("/proc/self/fd"))
    sizes = []
    for _ in range(3):
        soak(port, random)
        for _ in range(600):
            if descriptors_of(process) == open_before:
                break
            green.sleep(0.1)
        assert descriptors_of(process) == open_before
        sizes.append(resident_bytes_of(process))
    assert len(os.listdir("/proc/self/fd")) == own_before
    assert sizes[2] <= sizes[0] * 1.05 + 2**20, sizes
