"""aiohttp's server and client: many requests at once, streams both ways, a web socket, time-outs, TLS, files."""

import asyncio
import hashlib
import ssl
import tempfile

import aiohttp
from aiohttp import web

REQUESTS = 200


async def hello(request):
    await asyncio.sleep(0.001)
    return web.json_response({"hello": request.match_info["name"], "query": dict(request.query)})


async def shout(request):
    response = web.StreamResponse()
    await response.prepare(request)
    async for chunk in request.content.iter_chunked(4096):
        await response.write(chunk.upper())
    await response.write_eof()
    return response


async def talk(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data[::-1])
    return socket


async def stuck(request):
    await asyncio.sleep(60)


async def upload(request):
    form = await request.post()
    return web.Response(text=hashlib.sha256(form["file"].file.read()).hexdigest())


async def serve(tls, path):
    app = web.Application(client_max_size=2**22)
    app.add_routes([web.get("/hello/{name}", hello), web.post("/shout", shout), web.get("/talk", talk)])
    app.add_routes([web.get("/stuck", stuck), web.post("/upload", upload)])
    app.add_routes([web.get("/file", lambda request: web.FileResponse(path))])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    ports = []
    for context in (None, tls):
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        ports.append(site._server.sockets[0].getsockname()[1])
    return runner, ports


async def use(session, base):
    async def ask(number):
        async with session.get(f"{base}/hello/{number}", params={"n": number}) as response:
            return (await response.json())["query"]["n"]

    async def parts():
        for _ in range(100):
            yield b"abc" * 1000
            await asyncio.sleep(0)

    told = {"many": sum(map(int, await asyncio.gather(*map(ask, range(REQUESTS)))))}
    async with session.post(f"{base}/shout", data=parts()) as response:
        told["shouted"] = hashlib.sha256(await response.read()).hexdigest()
    async with session.ws_connect(f"{base}/talk") as socket:
        answers = []
        for word in ("one", "two", "three"):
            await socket.send_str(word)
            answers.append((await socket.receive()).data)
        told["talked"] = answers
    try:
        async with session.get(f"{base}/stuck", timeout=aiohttp.ClientTimeout(total=0.05)):
            pass
    except TimeoutError as error:
        told["timed_out"] = isinstance(error, asyncio.TimeoutError)
    form = aiohttp.FormData()
    form.add_field("file", b"x" * 1_000_000, filename="x.bin")
    async with session.post(f"{base}/upload", data=form) as response:
        told["uploaded"] = await response.text()
    async with session.get(f"{base}/file") as response:
        told["file"] = hashlib.sha256(await response.read()).hexdigest()
    return told


async def work(authority, certificate):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=authority)
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(range(256)) * 10_000)
        file.flush()
        runner, (plain, secure) = await serve(tls, file.name)
        connector = aiohttp.TCPConnector(limit=20, ssl=trusting)
        async with aiohttp.ClientSession(connector=connector) as session:
            told = {
                "plain": await use(session, f"http://127.0.0.1:{plain}"),
                "secure": await use(session, f"https://localhost:{secure}"),
            }
        await runner.cleanup()
    return told
