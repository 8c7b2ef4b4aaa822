"""uvicorn serving an ASGI application to httpx; anyio's task groups, threads, processes and streams."""

import asyncio
import sys

import anyio
import anyio.to_thread
import httpx
import uvicorn


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for part in (scope["path"].encode(), b" ", body[::-1]):
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


async def served():
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:

        async def ask(number):
            return (await client.post(f"/{number}", content=f"body {number}")).text

        answers = await asyncio.gather(*(ask(number) for number in range(50)))
    server.should_exit = True
    await serving
    return answers


async def grouped():
    done = []

    async def child(number):
        await anyio.sleep(0.001 * (number % 3))
        done.append(number)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(child, number)
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(60)
    threaded = await anyio.to_thread.run_sync(lambda: sum(range(1000)))
    process = await anyio.run_process([sys.executable, "-c", "print(6 * 7)"])
    sender, receiver = anyio.create_memory_object_stream(5)

    async def produce():
        async with sender:
            for number in range(100):
                await sender.send(number)

    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        received = [item async for item in receiver]
    return [sorted(done), scope.cancelled_caught, threaded, process.stdout.decode(), sum(received)]


async def work():
    return {"served": await served(), "grouped": await grouped()}
