"""Does asyncio run as fast on the hub as on the standard library's selector loop?

The same asyncio programs on both sides, `asyncio.run` against `plait.green.aio.run`; nothing else is in the thread.
Echo cases count the server and its clients, which are one process.
"""

import asyncio
import socket
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

CONNECTIONS = 100
MESSAGES = 100  # of each connection
SWITCHES = 200_000
TIMERS = 50_000


async def _nothing() -> int:
    return 1


def sleep_0(api: ModuleType, random: Random) -> Reading:
    async def spin(times: int) -> int:
        for _ in range(times):
            await asyncio.sleep(0)
        return times

    async def run() -> int:
        return sum(await asyncio.gather(*(spin(SWITCHES // 100) for _ in range(100))))

    with cpu_time() as taken:
        done = api.run(run())
    return Reading(taken.seconds / SWITCHES * 1e6, done)


def sleep_0_alone(api: ModuleType, random: Random) -> Reading:
    async def run() -> int:
        for _ in range(SWITCHES):
            await asyncio.sleep(0)
        return SWITCHES

    with cpu_time() as taken:
        done = api.run(run())
    return Reading(taken.seconds / SWITCHES * 1e6, done)


def call_soon(api: ModuleType, random: Random) -> Reading:
    async def run() -> int:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        left = SWITCHES

        def step() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                ended.set_result(None)
            elif left >= 100:
                loop.call_soon(step)

        for _ in range(100):
            loop.call_soon(step)
        await ended
        return left

    with cpu_time() as taken:
        left = api.run(run())
    return Reading(taken.seconds / SWITCHES * 1e6, left)


def tasks(api: ModuleType, random: Random) -> Reading:
    async def run() -> int:
        done = 0
        for _ in range(SWITCHES // 1000):
            done += sum(await asyncio.gather(*(_nothing() for _ in range(1000))))
        return done

    with cpu_time() as taken:
        done = api.run(run())
    return Reading(taken.seconds / SWITCHES * 1e6, done)


def timers(api: ModuleType, random: Random) -> Reading:
    async def run() -> int:
        await asyncio.gather(*(asyncio.sleep(random.random() / 100) for _ in range(TIMERS)))
        return TIMERS

    with cpu_time() as taken:
        done = api.run(run())
    return Reading(taken.seconds / TIMERS * 1e6, done)


def cancelled_timeouts(api: ModuleType, random: Random) -> Reading:
    async def run() -> int:
        done = 0
        for _ in range(TIMERS):
            async with asyncio.timeout(60):
                done += await _nothing()
        return done

    with cpu_time() as taken:
        done = api.run(run())
    return Reading(taken.seconds / TIMERS * 1e6, done)


def _per_message(seconds: float) -> float:
    return seconds / (CONNECTIONS * MESSAGES) * 1e6


def echo_streams(api: ModuleType, random: Random) -> Reading:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(64):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def ask(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        got = 0
        for _ in range(MESSAGES):
            writer.write(b"x" * 64)
            got += len(await reader.readexactly(64))
        writer.close()
        await writer.wait_closed()
        return got

    async def run() -> int:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return sum(await asyncio.gather(*(ask(port) for _ in range(CONNECTIONS))))

    with cpu_time() as taken:
        got = api.run(run())
    return Reading(_per_message(taken.seconds), got)


class _Server(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class _Client(_Server):
    def __init__(self, ended: asyncio.Future[int]) -> None:
        self.got = 0
        self.ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(b"x" * 64)

    def data_received(self, data: bytes) -> None:
        self.got += len(data)
        if self.got == 64 * MESSAGES:
            self.transport.close()
            self.ended.set_result(self.got)
        else:
            self.transport.write(b"x" * 64)


def echo_protocols(api: ModuleType, random: Random) -> Reading:
    async def run() -> int:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(_Server, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            ends = [loop.create_future() for _ in range(CONNECTIONS)]
            for end in ends:
                await loop.create_connection(lambda end=end: _Client(end), "127.0.0.1", port)
            return sum(await asyncio.gather(*ends))

    with cpu_time() as taken:
        got = api.run(run())
    return Reading(_per_message(taken.seconds), got)


def echo_sock(api: ModuleType, random: Random) -> Reading:
    async def serve(end: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with end:
            while data := await loop.sock_recv(end, 64):
                await loop.sock_sendall(end, data)

    async def ask(end: socket.socket) -> int:
        loop = asyncio.get_running_loop()
        got = 0
        with end:
            for _ in range(MESSAGES):
                await loop.sock_sendall(end, b"x" * 64)
                got += len(await loop.sock_recv(end, 64))
        return got

    async def run() -> int:
        jobs, servers = [], []
        for _ in range(CONNECTIONS):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.setblocking(False)
            servers.append(asyncio.create_task(serve(theirs)))
            jobs.append(ask(ours))
        got = sum(await asyncio.gather(*jobs))
        await asyncio.gather(*servers)
        return got

    with cpu_time() as taken:
        got = api.run(run())
    return Reading(_per_message(taken.seconds), got)


CASES = [
    Case("sleep(0) among 100 tasks", "us", sleep_0, factor=1),
    Case("sleep(0) alone", "us", sleep_0_alone, factor=1),
    Case("call_soon", "us", call_soon, factor=1),
    Case("create and gather tasks", "us", tasks, factor=1),
    Case("sleep(random)", "us", timers, factor=1),
    Case("timeout that is cancelled", "us", cancelled_timeouts, factor=1),
    Case("echo, streams, 100 connections", "us a message", echo_streams, factor=1),
    Case("echo, protocols, 100 connections", "us a message", echo_protocols, factor=1),
    Case("echo, sock_recv and sock_sendall", "us a message", echo_sock, factor=1),
]

if __name__ == "__main__":
    main("benchmarks.green.asyncio_loop", __doc__, Pair("plait.green.aio", "asyncio"), CASES)
