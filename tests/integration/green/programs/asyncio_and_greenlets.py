"""One thread: a WSGI server in greenlets, an aiohttp server in coroutines, and clients of each kind for both."""

import json

import aiohttp
from aiohttp import web

from plait import green
from plait.green import aio
from plait.green.pywsgi import WSGIServer
from plait.green.queue import Queue
from plait.green.socket import create_connection


def wsgi(environ, start_response):
    green.sleep(0.001)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"greenlet {environ['PATH_INFO']}".encode()]


async def coroutine_hello(request):
    job = Queue()
    worker = green.spawn(lambda: job.put(f"coroutine {request.path}"))
    await worker
    return web.Response(text=await aio.to_greenlet(job.get))


def plain_client(port, path):
    """A greenlet, without asyncio."""
    with create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            return answer.read().partition(b"\r\n\r\n")[2].decode()


async def fetch(session, port, path):
    async with session.get(f"http://127.0.0.1:{port}{path}") as response:
        return await response.text()


async def work():
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    runner.app.add_routes([web.get("/{number}", coroutine_hello)])
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = WSGIServer(("127.0.0.1", 0), wsgi, log=None)
    server.start()
    ports = [site._server.sockets[0].getsockname()[1], server.server_port]
    told = []
    async with aiohttp.ClientSession() as session:
        for port in ports:
            plain = [green.spawn(plain_client, port, f"/{number}") for number in range(10)]
            waiting = [green.spawn(aio.wait, fetch(session, port, f"/{number}")) for number in range(10)]
            tasks = [aio.spawn(fetch(session, port, f"/{number}")) for number in range(10)]
            for each in (plain, waiting, tasks):
                told.append([await one for one in each])
    await aio.to_greenlet(server.stop)
    await runner.cleanup()
    return told


if __name__ == "__main__":
    print(json.dumps(aio.run(work())))
