"""What does a request cost that a WSGI server answers with a few bytes?"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

CLIENT = Path(__file__).with_name("_http_client.py")
REQUESTS = 20_000

BARE = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
BROWSER = (
    b"GET /hello?a=b HTTP/1.1\r\nHost: localhost:8080\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef\r\n"
    b"Upgrade-Insecure-Requests: 1\r\nCache-Control: max-age=0\r\n\r\n"
)


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "11")])
    return [b"hello world"]


def serve(api: ModuleType, connections: int, request: bytes) -> Reading:
    """CPU seconds of this process, the server's, a request; the client is another process."""
    pywsgi = import_module(f"{api.__name__}.pywsgi")
    server = pywsgi.WSGIServer(("127.0.0.1", 0), hello, log=None)
    server.start()
    command = [sys.executable, CLIENT, str(server.server_port), str(connections), str(REQUESTS), request.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        while client.poll() is None and not _ready(api, client):
            pass
        with cpu_time() as watch:
            client.stdin.write(b"go\n")
            client.stdin.flush()
            while client.poll() is None:
                api.sleep(0.02)
        answer = client.stdout.read().decode()
    server.stop()
    return Reading(watch.seconds / REQUESTS * 1e6, answer)


def _ready(api: ModuleType, client: subprocess.Popen) -> bool:
    """Let the server accept until the client says that each connection was served once."""
    api.sleep(0.02)
    import select

    return bool(select.select([client.stdout], [], [], 0)[0]) and client.stdout.readline() == b"ready\n"


def few_connections(api: ModuleType, random: Random) -> Reading:
    return serve(api, 10, BARE)


def many_connections(api: ModuleType, random: Random) -> Reading:
    return serve(api, 100, BARE)


def from_a_browser(api: ModuleType, random: Random) -> Reading:
    return serve(api, 100, BROWSER)


CASES = [
    Case("hello, 10 connections", "us", few_connections, factor=6),
    Case("hello, 100 connections", "us", many_connections, factor=6),
    Case("hello to a browser, 100 connections", "us", from_a_browser, factor=6),
]

if __name__ == "__main__":
    main("benchmarks.green.pywsgi_hello", __doc__, Pair("plait.green", "gevent"), CASES)
