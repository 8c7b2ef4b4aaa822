"""What does a message cost that a server sends back: 64 bytes on each of 100 connections?"""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

CLIENT = Path(__file__).with_name("_echo_client.py")
CONNECTIONS = 100
MESSAGES = 400


def start_client(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(CLIENT), str(port), str(CONNECTIONS), str(MESSAGES)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def reading(seconds: float) -> Reading:
    return Reading(seconds / (CONNECTIONS * MESSAGES) * 1e9, MESSAGES)


def echo(api: ModuleType, random: Random) -> Reading:
    """CPU time of this process, the server's; the client is another one."""
    wait_read = import_module(f"{api.__name__}.socket").wait_read

    def serve(connection: Any, address: Any) -> None:
        while data := connection.recv(4096):
            connection.sendall(data)

    server = import_module(f"{api.__name__}.server").StreamServer(("127.0.0.1", 0), serve)
    server.start()
    with start_client(server.server_port) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        wait_read(client.stdout.fileno())
        assert client.stdout.readline() == b"ready\n"
        with cpu_time() as watch:
            client.stdin.write(b"go\n")
            client.stdin.flush()
            wait_read(client.stdout.fileno())
        assert client.stdout.readline() == b"done\n"
    server.stop()
    return reading(watch.seconds)


# The same server on asyncio's loop and on uvloop's -----------------------------------------------------------------


class EchoProtocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def serve_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


async def with_streams() -> asyncio.Server:
    return await asyncio.start_server(serve_stream, "127.0.0.1", 0)


async def with_a_protocol() -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(EchoProtocol, "127.0.0.1", 0)


async def measure(listen: Callable[[], Awaitable[asyncio.Server]]) -> Reading:
    server = await listen()
    loop = asyncio.get_running_loop()
    with start_client(server.sockets[0].getsockname()[1]) as client:
        assert client.stdin is not None
        assert client.stdout is not None

        async def says(word: bytes) -> None:
            assert await loop.run_in_executor(None, client.stdout.readline) == word

        await says(b"ready\n")
        with cpu_time() as watch:
            client.stdin.write(b"go\n")
            client.stdin.flush()
            await says(b"done\n")
    await asyncio.sleep(0.05)  # the connections end
    server.close()
    return reading(watch.seconds)


def on_asyncio(listen: Callable[[], Awaitable[asyncio.Server]]) -> Callable[[Random], Reading]:
    return lambda random: asyncio.run(measure(listen))


def on_uvloop(listen: Callable[[], Awaitable[asyncio.Server]]) -> Callable[[Random], Reading]:
    def run(random: Random) -> Reading:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(measure(listen))

    return run


CASES = [
    Case(
        "echo, 100 connections",
        "ns",
        echo,
        factor=1.6,
        beside={
            "asyncio streams": on_asyncio(with_streams),
            "asyncio protocol": on_asyncio(with_a_protocol),
            "uvloop streams": on_uvloop(with_streams),
            "uvloop protocol": on_uvloop(with_a_protocol),
        },
    ),
]

if __name__ == "__main__":
    main("benchmarks.green.echo", __doc__, Pair("plait.green", "gevent"), CASES)
